"""What the worker does for its own queue."""

from __future__ import annotations

from django.conf import settings
from procrastinate.contrib.django import app
from procrastinate.jobs import Status

from aistrale import job_queue
from inference.runs.database import in_thread

KEPT_SUCCEEDED_HOURS = 24
KEPT_OTHER_HOURS = 30 * 24


class WorkerDied(Exception):
    pass


# Without a lock: a worker that is killed while it does this must not keep all others from it.
@app.periodic(cron="* * * * *")
@app.task(queueing_lock="aistrale.retry_stalled_jobs", retry=settings.JOB_RETRY)
async def retry_stalled_jobs(timestamp: int) -> None:
    """Put the jobs of workers that have died back into the queue, as if they had failed."""
    stalled = list(await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=job_queue.STALE_SECONDS))
    await in_thread(job_queue.release_queueing_locks)([job.id for job in stalled])
    for job in stalled:
        if retry := settings.JOB_RETRY.get_retry_decision(exception=WorkerDied(), job=job):
            await app.job_manager.retry_job(job, retry_at=retry.retry_at)
        else:
            await in_thread(job_queue.note_error)(job.id, "The worker died while it did this.")
            await app.job_manager.finish_job(job, Status.FAILED, delete_job=False)
    await app.job_manager.prune_stalled_workers(job_queue.STALE_SECONDS)


@app.periodic(cron="41 * * * *")
@app.task(lock="aistrale.delete_old_jobs", queueing_lock="aistrale.delete_old_jobs", retry=settings.JOB_RETRY)
async def delete_old_jobs(timestamp: int) -> None:
    await app.job_manager.delete_old_jobs(KEPT_SUCCEEDED_HOURS)
    await app.job_manager.delete_old_jobs(
        KEPT_OTHER_HOURS, include_failed=True, include_cancelled=True, include_aborted=True
    )
    await in_thread(job_queue.delete_orphaned_errors)()
