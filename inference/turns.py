"""Work on large pieces of answers, and on questions, is done one at a time, so that all else is done between any two.

The event loop does whatever is ready before it looks again for what has come. Where hundreds of answers come as fast
as they are read, all of their pieces are ready at once, and a page would wait for all of them several times over.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from weakref import WeakKeyDictionary

# Smaller pieces, such as the words of an answer that is just being made, wait for nobody.
LARGE = 4_096
# Takes some milliseconds to read, or to show.
PIECE = 16_384

_turns: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock] = WeakKeyDictionary()


async def turn(size: int = LARGE) -> None:
    """Wait until nothing else that is large is worked on in this round of the event loop."""
    if size >= LARGE:
        # Whoever waits for the lock goes on one round after the one before, who is done by then.
        async with _turns.setdefault(asyncio.get_running_loop(), asyncio.Lock()):
            await asyncio.sleep(0)


def pieces(data: bytes) -> Iterator[bytes]:
    """At least one, maybe empty."""
    yield data[:PIECE]
    for start in range(PIECE, len(data), PIECE):
        yield data[start : start + PIECE]
