"""The time limits of one attempt, on the monotonic clock of the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable
from typing import TypeVar

from inference.providers.base import Timeouts
from inference.providers.errors import Stage, Timeout

T = TypeVar("T")

# After the provider's own end mark: how long the rest of the body may take.
DRAIN_SECONDS = 0.25

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

    def end(self) -> None:
        """The answer is complete: allow only a moment more."""
        self._total = self._loop.time() + DRAIN_SECONDS

    def _next(self) -> tuple[float, Stage]:
        stage: Stage = "between_tokens" if self.streaming else "first_token"
        deadline = self._loop.time() + self.timeouts.between_tokens if self.streaming else self._first_token
        return (deadline, stage) if deadline < self._total else (self._total, "total")

    async def within(self, awaitable: Awaitable[T]) -> T:
        """Await under the limit that holds now. Raises ``Timeout`` with its stage."""
        deadline, stage = self._next()
        guard = asyncio.timeout_at(deadline)
        try:
            async with guard:
                return await awaitable
        except TimeoutError:
            if not guard.expired():
                raise
            raise timed_out(stage, getattr(self.timeouts, stage)) from None

    async def next_chunk(self, body: AsyncIterator[bytes]) -> bytes:
        """The next bytes, or none at the end of ``body``."""
        try:
            return await self.within(anext(body))
        except StopAsyncIteration:
            return b""
