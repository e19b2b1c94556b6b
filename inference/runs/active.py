"""The runs of this process: started, watched, stopped, and saved while they go on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Collection, Coroutine, Iterator, Sequence
from contextlib import aclosing
from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import UUID

import psycopg
import stamina
import structlog
from django.conf import settings
from django.db import DatabaseError, InterfaceError, InternalError, OperationalError
from redis.asyncio import Redis
from redis.exceptions import RedisError

from accounts.sessions.store import redis_key
from inference.runs import finish, metrics, relay, tracing
from inference.runs.database import in_thread, storage_problem
from inference.runs.finish import Partial
from inference.runs.process_lock import ProcessLock
from inference.runs.quick_start import QuickStart
from inference.runs.relay import RedisRelay
from inference.runs.run import SHUTDOWN, STOPPED, UNWATCHED, RetryPolicy, Run, StopReason
from inference.runs.start import PreparedRun
from inference.runs.stream_buffer import Delta, LiveRun
from telemetry.models import Generation
from telemetry.prices import price_lists
from telemetry.services import CallOutcome

SAVE_SECONDS = 1.5
# In one statement. libpq keeps, for as long as a connection lives, the room of the longest that it has sent.
SAVED_CHARACTERS = 500_000
# A text longer than this is saved again when it has grown by an eighth: each time, PostgreSQL writes all of it.
OFTEN_SAVED_CHARACTERS = 64_000
# Starts and results at a time. Hundreds of them at once would take every connection from the pages.
STARTING = FINISHING = 2
WATCH_SECONDS = 0.5
SWEEP_SECONDS = 4.0
PRICES_SECONDS = 60.0
# How long a shutdown waits for the last texts to be stored.
SAVING_SECONDS = 10.0
# Of PostgreSQL when it is away, when its disk is full, and (InternalError) when it is read-only.
CANNOT_STORE_NOW = (OperationalError, InterfaceError, InternalError)

log = structlog.get_logger(__name__)


class Runs:
    """Owns every run that was started in this process. Opened and closed once, in the event loop of the runs."""

    def __init__(self) -> None:
        self.is_draining = False
        self._runs: dict[UUID, Run] = {}
        self._owners: set[asyncio.Task[None]] = set()
        self._chores: list[asyncio.Task[None]] = []
        self._saved: dict[UUID, int] = {}

    async def open(self) -> None:
        self.is_draining = False
        self._process_lock = ProcessLock()
        self.starting = asyncio.Semaphore(STARTING)
        self._finishing = asyncio.Semaphore(FINISHING)
        # A reader of XREAD is silent for as long as it blocks; anything longer is a dead connection.
        self._redis: Redis = Redis.from_url(settings.REDIS_URL, socket_timeout=4, socket_connect_timeout=2)
        self._relay = RedisRelay(self._redis)
        self.quick_start = QuickStart()
        await self.quick_start.open()
        handlers = {relay.STOP_CHANNEL: self._stop_here, relay.HURRY_CHANNEL: self._hurry_here}
        self._chores = [
            asyncio.create_task(self._relay.keep_copying()),
            asyncio.create_task(relay.listen(self._redis, handlers)),
            asyncio.create_task(_every(SAVE_SECONDS, self.save)),
            asyncio.create_task(_every(WATCH_SECONDS, self._stop_unwatched)),
            asyncio.create_task(_every(SWEEP_SECONDS, self._sweep)),
            asyncio.create_task(_every(PRICES_SECONDS, self._refresh_prices)),
        ]

    async def close(self) -> None:
        """Save what is going on as interrupted, then let go of everything."""
        await self.drain(seconds=0)
        await _cancel(self._chores)
        for run in self._runs.values():
            log.error("result_not_stored", generation=str(run.order.generation_id))
        await _cancel(self._owners)
        try:
            while not await self._relay.copy():
                continue
        except (RedisError, OSError) as error:
            log.warning("relay_incomplete", error=type(error).__name__)
        await self._redis.aclose()
        await self.quick_start.close()
        await in_thread(self._process_lock.release)()

    def launch(self, order: PreparedRun) -> LiveRun:
        """Begin the call. While draining, the run ends as interrupted before the provider is asked for anything."""
        live = LiveRun(order.generation_id, on_change=self._relay.notify)
        policy = RetryPolicy(attempts=settings.RETRY_ATTEMPTS, longest_wait=settings.RETRY_LONGEST_WAIT)
        run = Run(order, live, policy)
        self._runs[order.generation_id] = run
        self._relay.add(live)
        if self.is_draining:
            run.stop(SHUTDOWN)
        owner = asyncio.create_task(self._own(run))
        self._owners.add(owner)
        owner.add_done_callback(self._owners.discard)
        return live

    async def _own(self, run: Run) -> None:
        structlog.contextvars.bind_contextvars(call=str(run.order.generation_id))
        try:
            with metrics.RUNNING.track_inprogress(), tracing.run_span(run.order):
                await self._finish(run.order, await run.outcome(), datetime.now(UTC))
        except Exception:
            log.exception("result_not_stored", generation=str(run.order.generation_id))
        finally:
            del self._runs[run.order.generation_id]
            self._saved.pop(run.order.generation_id, None)
            run.live.end()

    async def _finish(self, order: PreparedRun, outcome: CallOutcome, ended_at: datetime) -> None:
        """Store the outcome; while PostgreSQL is away or cannot write, try again for as long as it may take."""
        async for attempt in stamina.retry_context(on=CANNOT_STORE_NOW, attempts=None, timeout=None, wait_max=2.0):
            with attempt:
                async with self._finishing:
                    await in_thread(finish.finish_run)(
                        generation_id=order.generation_id, outcome=outcome, ended_at=ended_at
                    )

    async def watch(self, generation_id: UUID) -> AsyncGenerator[list[Delta], None]:
        """Yield all deltas of a run from its beginning to its end, wherever it runs."""
        run = self._runs.get(generation_id)
        if run is not None:
            batches = run.live.follow()
        else:
            batches = relay.follow(self._redis, generation_id, has_ended=partial(_has_ended, generation_id))
        async with aclosing(batches):
            async for batch in batches:
                yield batch

    async def has_session(self, session_key: str) -> bool:
        """Whether nobody has ended it. That it is too old is for ``SessionWatch`` to find. Raises RedisError."""
        return bool(await self._redis.exists(redis_key(session_key)))

    async def stop(self, generation_id: UUID) -> None:
        """Stop a run, here or in the process that owns it. The caller has checked the right to do so."""
        if not self._stop_here(generation_id):
            await relay.ask_to_stop(self._redis, generation_id)

    def _stop_here(self, generation_id: UUID, reason: StopReason = STOPPED) -> bool:
        run = self._runs.get(generation_id)
        if run is not None:
            run.stop(reason)
        return run is not None

    async def hurry(self, generation_id: UUID) -> None:
        """Let a run try again at once, where it waits. The caller has checked the right to do so."""
        if not self._hurry_here(generation_id):
            await relay.ask_to_hurry(self._redis, generation_id)

    def _hurry_here(self, generation_id: UUID) -> bool:
        run = self._runs.get(generation_id)
        if run is not None:
            run.hurry()
        return run is not None

    async def drain(self, *, seconds: float) -> None:
        """Take no new runs, give those going on ``seconds`` to end, then save the rest as interrupted."""
        self.is_draining = True
        await _wait_for(self._owners, seconds)
        for run in self._runs.values():
            run.stop(SHUTDOWN)
        await _wait_for(self._owners, SAVING_SECONDS)

    async def save(self) -> None:
        """Store what has come of each run since the last time, and that the runs are alive."""
        lengths = {run.order.generation_id: run.live.length for run in self._runs.values()}
        if not lengths:
            return
        alive = list(lengths)
        grown = {pk: length for pk, length in lengths.items() if _is_worth_saving(length, self._saved.get(pk, 0))}
        for portion in self._portions(list(grown)):
            await in_thread(finish.save_partials)(partials=portion, alive=alive)
            alive = []
        self._saved |= {pk: length for pk, length in grown.items() if pk in self._runs}

    def _portions(self, generation_ids: Sequence[UUID]) -> Iterator[list[Partial]]:
        """The texts of those that still run, made when they are asked for; at least one portion, maybe an empty one."""
        portion: list[Partial] = []
        characters = 0
        for run in filter(None, map(self._runs.get, generation_ids)):
            if characters > SAVED_CHARACTERS:
                yield portion
                portion, characters = [], 0
            portion.append(Partial.of(run.order.generation_id, run.live.deltas))
            characters += run.live.length
        yield portion

    async def _stop_unwatched(self) -> None:
        for run in list(self._runs.values()):
            if run.live.seconds_unwatched > settings.RUN_GRACE_SECONDS:
                pk = run.order.generation_id
                if not await relay.is_watched_elsewhere(self._redis, pk):
                    self._stop_here(pk, UNWATCHED)

    async def _refresh_prices(self) -> None:
        await in_thread(price_lists.refresh)()

    async def _sweep(self) -> None:
        silent = await in_thread(self._process_lock.silent_runs)()
        if abandoned := [pk for pk in silent if pk not in self._runs]:
            interrupted = await in_thread(finish.interrupt_runs)(Generation.objects.filter(pk__in=abandoned))
            log.warning("abandoned_runs_interrupted", runs=interrupted)


def _is_worth_saving(length: int, saved: int) -> bool:
    return length > saved + (saved // 8 if saved > OFTEN_SAVED_CHARACTERS else 0)


async def _has_ended(generation_id: UUID) -> bool:
    return not await in_thread(Generation.objects.running().filter(pk=generation_id).exists)()


async def _wait_for(tasks: set[asyncio.Task[None]], seconds: float) -> None:
    if tasks:
        await asyncio.wait(tasks, timeout=seconds)


async def _cancel(tasks: Collection[asyncio.Task[None]]) -> None:
    """End them. redis-py loses a cancellation that comes at the wrong moment of its connecting: so ask again."""
    while pending := [task for task in tasks if not task.done()]:
        for task in pending:
            task.cancel()
        await asyncio.wait(pending, timeout=0.5)
    await asyncio.gather(*tasks, return_exceptions=True)


async def _every(seconds: float, job: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Do ``job`` again and again; an outage of PostgreSQL or Redis delays it and nothing more."""
    while True:
        try:
            await job()
        except (DatabaseError, psycopg.Error, RedisError, OSError) as error:
            reason = storage_problem(error) or type(error).__name__
            log.warning("chore_delayed", chore=job.__name__, error=reason)
        await asyncio.sleep(seconds)
