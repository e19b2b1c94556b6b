"""A run while it is going on: what has come so far, and who is watching it.

The task that owns a run appends; any number of watchers in this process follow at their own pace. Nothing here
waits for Redis or PostgreSQL, so an outage of either never holds up the text.
"""

from __future__ import annotations

import asyncio
import time
from bisect import bisect_right
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple
from uuid import UUID

FAST_CHUNKS_PER_SECOND = 100
PACE_SECONDS = 0.030
# What comes token by token is kept in pieces of up to so many characters: small strings take many times the room.
PIECE_CHARACTERS = 4_096
# A watcher takes no more at once, so that one who comes late or reads slowly holds little more than the run itself.
BATCH_CHARACTERS = 16_384


Kind = Literal["text", "reasoning", "notice", "tool_call", "arguments"]


class Delta(NamedTuple):
    """A piece of the answer, or a ``notice`` about the run that replaces the one before (a retry, say).

    A ``tool_call`` says, in JSON, whose ``arguments`` follow (see ``tool_calls``).
    """

    kind: Kind
    text: str


def text_of(deltas: Iterable[Delta], kind: Kind) -> str:
    return "".join(delta.text for delta in deltas if delta.kind == kind)


def without_first(deltas: Sequence[Delta], characters: int) -> list[Delta]:
    """The same text from the character at that position on; all of it where ``characters`` is not above 0."""
    left = []
    for delta in deltas:
        if characters < len(delta.text):
            left.append(Delta(delta.kind, delta.text[characters:]) if characters > 0 else delta)
        characters -= len(delta.text)
    return left


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
    """What has come only grows; a number of characters is the position by which watchers resume."""

    generation_id: UUID
    on_change: Callable[[], None]
    length: int = 0
    ended: bool = False
    _chunks: int = 0
    _pieces: list[Delta] = field(default_factory=list)
    _starts: list[int] = field(default_factory=list)
    _watchers: set[asyncio.Event] = field(default_factory=set)
    _unwatched_since: float = field(default_factory=time.monotonic)

    def append(self, delta: Delta) -> None:
        if delta.kind in ("notice", "tool_call"):
            self._add_piece(delta)
        elif len(delta.text) <= PIECE_CHARACTERS:
            self._gather(delta)
        else:
            for start in range(0, len(delta.text), PIECE_CHARACTERS):
                self._gather(Delta(delta.kind, delta.text[start : start + PIECE_CHARACTERS]))
        self._chunks += 1
        self._wake()

    def end(self) -> None:
        """Everything is stored: watchers get what is left and are let go."""
        self.ended = True
        self._wake()

    def text(self, kind: Kind = "text") -> str:
        return text_of(self._pieces, kind)

    @property
    def deltas(self) -> Sequence[Delta]:
        """All that has come."""
        return self._pieces

    def after(self, position: int, *, at_least: int) -> list[Delta]:
        """What came after ``position``: at least so many characters if there are, and little more."""
        first = max(0, bisect_right(self._starts, position) - 1)
        end = bisect_right(self._starts, position + at_least)
        return without_first(self._pieces[first:end], position - self._starts[first]) if self._pieces else []

    @property
    def seconds_unwatched(self) -> float:
        return 0.0 if self._watchers else time.monotonic() - self._unwatched_since

    def _gather(self, delta: Delta) -> None:
        last = self._pieces[-1] if self._pieces else None
        if last is None or last.kind != delta.kind or len(last.text) + len(delta.text) > PIECE_CHARACTERS:
            self._add_piece(delta)
        else:
            self._pieces[-1] = Delta(last.kind, last.text + delta.text)
            self.length += len(delta.text)

    def _add_piece(self, delta: Delta) -> None:
        self._starts.append(self.length)
        self._pieces.append(delta)
        self.length += len(delta.text)

    def _wake(self) -> None:
        for watcher in self._watchers:
            watcher.set()
        self.on_change()

    async def follow(self, position: int = 0) -> AsyncGenerator[list[Delta], None]:
        """Yield what came after ``position``, in batches, until the run has ended."""
        news, pacer = asyncio.Event(), Pacer()
        chunks = self._chunks
        self._watchers.add(news)
        try:
            while True:
                if position < self.length:
                    if self.length - position < BATCH_CHARACTERS and (pause := pacer.pause()):
                        await asyncio.sleep(pause)
                    batch = self.after(position, at_least=BATCH_CHARACTERS)
                    position += sum(len(delta.text) for delta in batch)
                    taken, chunks = self._chunks - chunks, self._chunks
                    yield batch
                    pacer.shown(taken, now=time.monotonic())
                elif self.ended:
                    return
                else:
                    news.clear()
                    await news.wait()
        finally:
            self._watchers.discard(news)
            if not self._watchers:
                self._unwatched_since = time.monotonic()
