"""The worker process: does the jobs of the queue in PostgreSQL, until it is told to stop.

procrastinate's own worker ends when the database is lost. Here it begins anew, under another name, for as long as it
takes: what the lost one had begun is found to be stalled, and done again.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import structlog
from procrastinate import JobContext
from procrastinate.contrib.django import app
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import Job
from procrastinate.worker import Worker

from accounts.admission import OUTAGES
from aistrale import job_queue, tracing, worker_pages
from aistrale.database.worker_connector import WorkerConnector
from inference.backtests import running
from inference.runs.database import in_thread

CONCURRENCY = 4
# Beside the jobs, for the queue itself.
QUEUE_THREADS = 4
# New jobs are announced; this finds those that were put off, such as retries.
POLL_SECONDS = 10.0
RECONNECT_SECONDS = 2.0
# Running jobs get so long to end. Those that do not are done again by the next worker.
STOP_SECONDS = 5.0

log = structlog.get_logger(__name__)


def work() -> None:
    """Until SIGTERM or SIGINT. Ends the process where jobs do not end in time."""
    asyncio.run(JobWorker().run())


class JobWorker:
    def __init__(self) -> None:
        self._stopping = asyncio.Event()
        self._interrupted = asyncio.Event()
        self._running: dict[int | None, Job] = {}

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        loop.set_default_executor(ThreadPoolExecutor(CONCURRENCY + QUEUE_THREADS, "job"))
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop)
        worker_pages.serve(loop)
        with app.replace_connector(WorkerConnector(on_failure=self._lose)):
            while not self._stopping.is_set():
                await self._work()
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._stopping.wait(), RECONNECT_SECONDS)

    def _lose(self, error: ConnectorException) -> None:
        if not self._interrupted.is_set():
            log.warning("worker_lost_database", error=type(error.__cause__ or error).__name__)
        self._interrupted.set()

    def _stop(self) -> None:
        running.stop()
        self._stopping.set()
        self._interrupted.set()

    async def _work(self) -> None:
        """Until it is told to stop, or the database is lost and the running jobs have ended."""
        self._interrupted.clear()
        worker = asyncio.create_task(self._begin())
        await _until(self._interrupted, worker)
        # It takes no more jobs and waits for those that it has begun.
        worker.cancel()
        await _until(self._stopping, worker)
        await asyncio.wait([worker], timeout=STOP_SECONDS)
        if not worker.done():
            await self._abandon()
        with suppress(asyncio.CancelledError, ConnectorException):
            await worker

    def _begin(self) -> Coroutine[Any, Any, None]:
        return app.run_worker_async(
            concurrency=CONCURRENCY,
            fetch_job_polling_interval=POLL_SECONDS,
            update_heartbeat_interval=job_queue.HEARTBEAT_SECONDS,
            stalled_worker_timeout=job_queue.STALE_SECONDS,
            install_signal_handlers=False,
            worker_middleware=[self.observe],
        )

    async def observe(self, call_next: Callable[[], Awaitable[Any]], context: JobContext, worker: Worker) -> Any:
        job = context.job
        self._running[job.id] = job
        try:
            await in_thread(job_queue.release_queueing_locks)([job.id])
            with (
                structlog.contextvars.bound_contextvars(job=job.id, task=job.task_name),
                tracing.job_span(job.task_name, job.id),
            ):
                return await call_next()
        except Exception as error:
            log.warning("job_failed", job=job.id, task=job.task_name, attempt=job.attempts + 1, exc_info=error)
            with suppress(*OUTAGES):
                await in_thread(job_queue.note_error)(job.id, f"{type(error).__name__}: {error}")
            raise
        finally:
            del self._running[job.id]

    async def _abandon(self) -> None:
        """Give jobs that did not end back to the queue, and end their threads with the process."""
        for job in list(self._running.values()):
            log.warning("job_abandoned", job=job.id, task=job.task_name)
            with suppress(ConnectorException):
                await app.job_manager.retry_job(job)
        os._exit(0)


async def _until(event: asyncio.Event, worker: asyncio.Task[None]) -> None:
    """Or until the worker has ended."""
    waiting = asyncio.create_task(event.wait())
    await asyncio.wait([worker, waiting], return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
