"""A run while it is going on: what has come so far, and who is watching it.

The task that owns a run appends; any number of watchers in this process follow at their own pace. Nothing here
waits for Redis or PostgreSQL, so an outage of either never holds up the text.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Iterable
from dataclasses import dataclass, field
from typing import Literal
from uuid import UUID

FAST_CHUNKS_PER_SECOND = 100
PACE_SECONDS = 0.030


Kind = Literal["text", "reasoning", "notice"]


@dataclass(frozen=True, slots=True)
class Delta:
    """A piece of the answer, or a ``notice`` about the run that replaces the one before (a retry, say)."""

    kind: Kind
    text: str


def text_of(deltas: Iterable[Delta], kind: Kind) -> str:
    return "".join(delta.text for delta in deltas if delta.kind == kind)


class Pacer:
    """Decides how long a watcher waits before its next batch.

    Chunks of a slow provider are shown as they come. After a few that came faster than the eye follows, chunks are
    gathered, until a gathered batch shows that the provider has slowed down.
    """

    def __init__(self) -> None:
        self._shown_at = 0.0
        self._quick = 0
        self._gathering = False

    def pause(self) -> float:
        """Seconds to wait before the next batch is taken."""
        return PACE_SECONDS if self._gathering else 0.0

    def shown(self, chunks: int, *, now: float) -> None:
        if self._gathering:
            self._gathering = chunks > FAST_CHUNKS_PER_SECOND * PACE_SECONDS
            self._quick = 0
        else:
            self._quick = self._quick + 1 if now - self._shown_at < 1 / FAST_CHUNKS_PER_SECOND else 0
            self._gathering = self._quick >= 3
        self._shown_at = now


@dataclass(eq=False)
class LiveRun:
    """``deltas`` only grows; a position in it is the sequence number by which watchers resume."""

    generation_id: UUID
    on_change: Callable[[], None]
    deltas: list[Delta] = field(default_factory=list)
    ended: bool = False
    _watchers: set[asyncio.Event] = field(default_factory=set)
    _unwatched_since: float = field(default_factory=time.monotonic)

    def append(self, delta: Delta) -> None:
        self.deltas.append(delta)
        self._wake()

    def end(self) -> None:
        """Everything is stored: watchers get what is left and are let go."""
        self.ended = True
        self._wake()

    def text(self, kind: Kind = "text") -> str:
        return text_of(self.deltas, kind)

    @property
    def seconds_unwatched(self) -> float:
        return 0.0 if self._watchers else time.monotonic() - self._unwatched_since

    def _wake(self) -> None:
        for watcher in self._watchers:
            watcher.set()
        self.on_change()

    async def follow(self, position: int = 0) -> AsyncGenerator[list[Delta], None]:
        """Yield what came after ``position``, in batches, until the run has ended."""
        news, pacer = asyncio.Event(), Pacer()
        self._watchers.add(news)
        try:
            while True:
                if position < len(self.deltas):
                    if pause := pacer.pause():
                        await asyncio.sleep(pause)
                    batch = self.deltas[position:]
                    position += len(batch)
                    yield batch
                    pacer.shown(len(batch), now=time.monotonic())
                elif self.ended:
                    return
                else:
                    news.clear()
                    await news.wait()
        finally:
            self._watchers.discard(news)
            if not self._watchers:
                self._unwatched_since = time.monotonic()
