"""Memory after many long answers."""

from __future__ import annotations

import asyncio
import platform
from pathlib import Path

import pytest

from aistrale import memory


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="Other C libraries give back what is free by themselves.")
async def test_it_gives_back_what_lies_between_things_that_are_still_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "EVERY_SECONDS", 0.01)
    pieces = ["x" * 4_000 + str(number) for number in range(25_000)]
    used = pieces[::500]
    full = resident_bytes()
    del pieces
    task = asyncio.create_task(memory.keep_giving_back())
    await asyncio.sleep(1)
    task.cancel()

    assert len(used) == 50
    assert full - resident_bytes() > 60_000_000
