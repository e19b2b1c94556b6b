"""The time limits of one attempt, on the monotonic clock of the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from typing import TypeVar

from inference.providers.base import Timeouts
from inference.providers.errors import Stage, Timeout

T = TypeVar("T")

_MESSAGES: dict[Stage, str] = {
    "connect": "No connection to the provider within {seconds:g} s.",
    "first_token": "The provider sent no token for {seconds:g} s.",
    "between_tokens": "The provider fell silent in mid-answer for {seconds:g} s.",
    "total": "The answer took longer than {seconds:g} s.",
}


def timed_out(stage: Stage, seconds: float) -> Timeout:
    return Timeout(_MESSAGES[stage].format(seconds=seconds), stage=stage)


class Limits:
    """Counts from its creation. ``streaming`` is set at the first token."""

    def __init__(self, timeouts: Timeouts) -> None:
        self.timeouts = timeouts
        self.streaming = False
        self._loop = asyncio.get_running_loop()
        started = self._loop.time()
        self._first_token = started + timeouts.first_token
        self._total = started + timeouts.total
        self._waits_since: float | None = None

    async def within(self, awaitable: Awaitable[T]) -> T:
        """Await under the limit that holds now. Raises ``Timeout`` with its stage."""
        deadline, _ = self._next()
        guard = asyncio.timeout_at(deadline)
        try:
            async with guard:
                return await awaitable
        except TimeoutError:
            if not guard.expired():
                raise
            raise self._timed_out() from None

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        """Around a reader that takes each chunk by ``next_chunk``. Raises ``Timeout`` with its stage.

        A timeout for every chunk would cost as much as reading it. So there is one for all, and a timer that looks,
        when the deadline may have come, whether a chunk has come before it.
        """
        guard = asyncio.timeout(None)
        self._look(guard)
        try:
            async with guard:
                yield
        except TimeoutError:
            if not guard.expired():
                raise
            raise self._timed_out() from None
        finally:
            self._timer.cancel()

    async def next_chunk(self, body: AsyncIterator[bytes]) -> bytes:
        """The next bytes, or none at the end of ``body``. What the caller does between two chunks is not counted."""
        self._waits_since = self._loop.time()
        chunk = await anext(body, b"")
        self._waits_since = None
        return chunk

    def _look(self, guard: asyncio.Timeout) -> None:
        now = self._loop.time()
        deadline, _ = self._next()
        if self._waits_since is not None and deadline <= now:
            guard.reschedule(now)
            return
        # No later, since the next deadline after the first token may be so near.
        latest = now + self.timeouts.between_tokens
        self._timer = self._loop.call_at(min(deadline, latest) if deadline > now else latest, self._look, guard)

    def _next(self) -> tuple[float, Stage]:
        """When what is awaited has taken too long, and of which limit."""
        stage: Stage = "between_tokens" if self.streaming else "first_token"
        since = self._loop.time() if self._waits_since is None else self._waits_since
        deadline = since + self.timeouts.between_tokens if self.streaming else self._first_token
        return (deadline, stage) if deadline < self._total else (self._total, "total")

    def _timed_out(self) -> Timeout:
        _, stage = self._next()
        return timed_out(stage, getattr(self.timeouts, stage))
