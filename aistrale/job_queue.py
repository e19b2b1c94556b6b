"""The queue of background jobs in PostgreSQL, as the worker, pages, checks and metrics see it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import Count, F, Max, QuerySet
from django.db.models.functions import Now
from django.utils import timezone
from procrastinate.contrib.django import app
from procrastinate.contrib.django.models import ProcrastinateJob, ProcrastinateWorker
from procrastinate.jobs import Status

from accounts.models import User
from aistrale.actions import SystemAction
from aistrale.logs import redact_text
from aistrale.models import JobError
from audit.services import record

HEARTBEAT_SECONDS = 10
# A worker that has given no sign of life for so long is dead.
STALE_SECONDS = 30
LISTED = 50
_LONGEST_WAIT = """
    SELECT coalesce(max(extract(epoch FROM statement_timestamp() - greatest(job.scheduled_at, deferred.at))), 0)
    FROM procrastinate_jobs AS job
    JOIN procrastinate_events AS deferred ON deferred.job_id = job.id AND deferred.type = 'deferred'
    WHERE job.status = 'todo' AND (job.scheduled_at IS NULL OR job.scheduled_at <= statement_timestamp())
"""
NO_WORKER = (
    "Checkpoints, verification of the audit log and key rotation wait for one. `make run` starts it; beside "
    "`manage.py serve`, run `manage.py worker`."
)


def counts() -> dict[str, int]:
    """How many jobs there are in each status."""
    found = dict(ProcrastinateJob.objects.values_list("status").annotate(Count("pk")).order_by())
    return {status.value: found.get(status.value, 0) for status in Status}


def longest_wait() -> float:
    """Seconds since which a job is due that nobody has begun; 0 where none is due."""
    with connection.cursor() as cursor:
        cursor.execute(_LONGEST_WAIT)
        return float(cursor.fetchone()[0])


def living_workers() -> int:
    """By the clock of PostgreSQL, which is that of their heartbeats."""
    since = Now() - timedelta(seconds=STALE_SECONDS)
    return ProcrastinateWorker.objects.filter(last_heartbeat__gte=since).count()


def last_heartbeat() -> datetime | None:
    """None where no worker runs and the last one was stopped in order."""
    newest: datetime | None = ProcrastinateWorker.objects.aggregate(newest=Max("last_heartbeat"))["newest"]
    return newest


def failed() -> QuerySet[ProcrastinateJob]:
    """Those whose attempts are used up, with their ``error``, the newest first."""
    return (
        ProcrastinateJob.objects.filter(status=Status.FAILED.value)
        .select_related("error")
        .order_by(F("error__at").desc(nulls_last=True), "-pk")
    )


@transaction.atomic
def run_again(*, job: ProcrastinateJob, actor: User) -> None:
    """Give a failed job one more attempt."""
    app.job_manager.retry_job_by_id(job.pk, timezone.now())
    record(action=SystemAction.JOB_RUN_AGAIN, actor=actor, target=job, after={"task": job.task_name})


def release_queueing_locks(job_ids: Iterable[int | None]) -> None:
    """Of jobs that have begun: they keep the next job of their kind out of the queue no longer.

    procrastinate leaves the lock to them and then cannot put them back for a retry once the next one waits, see
    https://github.com/procrastinate-org/procrastinate/issues/1543 (May 2026).
    """
    ProcrastinateJob.objects.filter(pk__in=job_ids).update(queueing_lock=None)


def note_error(job_id: int | None, text: str) -> None:
    """The first line of ``text``, without secrets: in further lines PostgreSQL tells values of a row."""
    line = redact_text(text.partition("\n")[0])[: JobError.LONGEST]
    JobError.objects.update_or_create(job_id=job_id, defaults={"at": timezone.now(), "text": line})


def delete_orphaned_errors() -> None:
    JobError.objects.exclude(job__in=ProcrastinateJob.objects.values("pk")).delete()
