"""Memory that is free is given back to the system.

glibc returns what lies at the end of its heaps only. One small thing that is still in use, made while many long answers
came, would keep hundreds of megabytes that are free below it.
"""

from __future__ import annotations

import asyncio
import ctypes

EVERY_SECONDS = 15.0


async def keep_giving_back() -> None:
    """Trim the heaps periodically, in a thread: 2 ms where little is free, 0.1 s for half a gigabyte."""
    # Other C libraries, such as musl, have no such function.
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    while trim is not None:
        await asyncio.sleep(EVERY_SECONDS)
        await asyncio.to_thread(trim, 0)
