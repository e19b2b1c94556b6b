"""The time limits of one attempt, on the monotonic clock of the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from typing import TypeVar

from inference.providers.base import Timeouts
from inference.providers.errors import Stage, Timeout

T = TypeVar("T")

# How long to wait for figures, and for the end of the body, once the provider has said why it stopped.
SECONDS_TO_END = 2.0
_LATE_SECONDS = 0.1

_MESSAGES: dict[Stage, str] = {
    "connect": "No connection to the provider within {seconds:g} s.",
    "first_token": "The provider sent no token for {seconds:g} s.",
    "between_tokens": "The provider sent nothing for {seconds:g} s during the answer.",
    "total": "The answer took longer than {seconds:g} s.",
}


def timed_out(stage: Stage, seconds: float) -> Timeout:
    return Timeout(_MESSAGES[stage].format(seconds=seconds), stage=stage)


class Limits:
    """``streaming`` is set at the first token, ``total`` counts from the creation.

    Whatever the provider sends is a sign of life, from which the limit before the first token and the one between
    tokens count again. Time that our own event loop was held up, by an import say, is nobody's silence.
    """

    def __init__(self, timeouts: Timeouts) -> None:
        self.timeouts = timeouts
        self.streaming = False
        self._loop = asyncio.get_running_loop()
        self._alive_at = self._loop.time()
        self._total = self._alive_at + timeouts.total
        self._end: float | None = None
        self._waiting = False
        self._guard: asyncio.Timeout | None = None
        self._timer: asyncio.TimerHandle | None = None

    def expect_end(self) -> None:
        """The answer is complete: give the provider ``SECONDS_TO_END`` for what may come after it."""
        self._end = self._loop.time() + SECONDS_TO_END
        self._watch()

    async def within(self, awaitable: Awaitable[T]) -> T:
        """Await under the limit that holds now. Raises ``Timeout`` with its stage."""
        async with self.watching():
            self._wait()
            return await awaitable

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        """Around a reader that takes each chunk by ``next_chunk``. Raises ``Timeout`` with its stage.

        A timeout for every chunk would cost as much as reading it. So there is one for all, and a timer that looks,
        when the deadline may have come, whether a chunk has come before it.
        """
        self._guard = asyncio.timeout(None)
        self._watch()
        try:
            async with self._guard:
                yield
        except TimeoutError:
            if not self._guard.expired():
                raise
            raise self._timed_out() from None
        finally:
            self._guard, self._waiting = None, False
            self._watch()

    async def next_chunk(self, body: AsyncIterator[bytes]) -> bytes:
        """The next bytes, or none at the end of ``body``. What the caller does between two chunks is not counted."""
        self._wait()
        chunk = await anext(body, b"")
        self._waiting = False
        return chunk

    def _wait(self) -> None:
        self._alive_at, self._waiting = self._loop.time(), True
        if self._end is not None:
            self._watch()

    def _watch(self) -> None:
        """Look now, and again when the next deadline may have come."""
        now = self._loop.time()
        if self._timer is not None:
            self._allow_for(now - self._timer.when())
            self._timer.cancel()
            self._timer = None
        if self._guard is None:
            return
        deadline, _ = self._deadline()
        if deadline <= now and self._waiting:
            self._guard.reschedule(now)
            return
        # No later, since the next deadline after the first token may be so near.
        latest = now + self.timeouts.between_tokens
        self._timer = self._loop.call_at(min(deadline, latest) if deadline > now else latest, self._watch)

    def _allow_for(self, late: float) -> None:
        """A timer that comes late means that the loop was held up, and could not read what had arrived."""
        if late > _LATE_SECONDS:
            self._alive_at += late
            self._total += late

    def _deadline(self) -> tuple[float, Stage]:
        """When what is awaited has taken too long, and of which limit."""
        stage: Stage = "between_tokens" if self.streaming else "first_token"
        since = self._alive_at if self._waiting else self._loop.time()
        deadline = since + getattr(self.timeouts, stage)
        if self._end is not None:
            deadline = min(deadline, self._end)
        return (deadline, stage) if deadline < self._total else (self._total, "total")

    def _timed_out(self) -> Timeout:
        _, stage = self._deadline()
        return timed_out(stage, getattr(self.timeouts, stage))
