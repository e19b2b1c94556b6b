"""Running a backtest in the worker: step by step, with its calls beside each other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from uuid import UUID

import structlog

from inference.backtests.claiming import take_step
from inference.runs.active import CANNOT_STORE_NOW, Runs
from inference.runs.database import in_thread
from inference.runs.start import PreparedRun

# How soon it is noticed that a backtest was paused or cancelled, and that a call of a dead process has ended.
STEP_SECONDS = 0.5
# Less than the worker gives its jobs when it is told to stop: what has not ended by then is saved as interrupted.
DRAIN_SECONDS = 3.5

log = structlog.get_logger(__name__)


class _SharedRuns:
    """One ``Runs`` for all backtests of this process: it judges which calls of the process are alive."""

    def __init__(self) -> None:
        self._runs: Runs | None = None
        self._users = 0
        self._lock: asyncio.Lock | None = None
        self.is_stopping = False

    @asynccontextmanager
    async def used(self) -> AsyncIterator[Runs]:
        if not self._users or self._lock is None:
            # The first one, maybe in another event loop than those before.
            self._lock, self.is_stopping = asyncio.Lock(), False
        self._users += 1
        try:
            async with self._lock:
                if self._runs is None:
                    runs = Runs()
                    await runs.open()
                    self._runs = runs
            yield self._runs
        finally:
            self._users -= 1
            if not self._users and self._runs is not None:
                closing, self._runs = self._runs, None
                await closing.close()


_shared = _SharedRuns()


def stop() -> None:
    """The worker is going to end: no more calls are started, and those that run get a moment. Others go on later."""
    _shared.is_stopping = True


async def run(backtest_id: UUID) -> None:
    """Until nothing is left to do, it was paused, or it was cancelled, and all its calls have ended."""
    async with _shared.used() as runs:
        followed: set[asyncio.Task[None]] = set()
        while True:
            try:
                step = await in_thread(take_step)(backtest_id, may_start=not _shared.is_stopping)
            except CANNOT_STORE_NOW as error:
                log.warning("backtest_delayed", backtest=str(backtest_id), error=type(error).__name__)
                await asyncio.sleep(STEP_SECONDS)
                continue
            for order in step.orders:
                followed.add(asyncio.create_task(_make(runs, order)))
            for replay_id in step.stopped:
                await runs.stop(replay_id)
            if step.is_over:
                return
            if _shared.is_stopping:
                await runs.drain(seconds=DRAIN_SECONDS)
            done, followed = await _wait(followed)
            for task in done:
                task.result()


async def _make(runs: Runs, order: PreparedRun) -> None:
    """Make the call, and watch it to its end: what nobody watches is stopped."""
    async with aclosing(runs.launch(order).follow()) as batches:
        async for _ in batches:
            continue


async def _wait(tasks: set[asyncio.Task[None]]) -> tuple[set[asyncio.Task[None]], set[asyncio.Task[None]]]:
    if not tasks:
        await asyncio.sleep(STEP_SECONDS)
        return set(), set()
    return await asyncio.wait(tasks, timeout=STEP_SECONDS, return_when=asyncio.FIRST_COMPLETED)
