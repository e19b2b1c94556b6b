"""What becomes of jobs: done once, tried again, given up, taken over from a worker that has died."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from procrastinate.contrib.django import app
from procrastinate.contrib.django.models import ProcrastinateEvent, ProcrastinateJob, ProcrastinateWorker
from procrastinate.tasks import Task

from aistrale import job_queue, tasks
from aistrale.models import JobError
from aistrale.settings import JOB_RETRY

RunJobs = Callable[[], None]

pytestmark = pytest.mark.django_db(transaction=True)

done: list[str] = []


@app.task(name="test.succeed")
def succeed(word: str) -> None:
    done.append(word)


@app.task(name="test.fail", retry=JOB_RETRY)
def fail() -> None:
    raise ValueError("no such key: api_key=canary-5Yq8Rk2Wb7\nDETAIL: (email)=(alice@example.org)")


@app.task(name="test.fail_before_the_next", lock="test.next", queueing_lock="test.next", retry=JOB_RETRY)
def fail_before_the_next() -> None:
    fail_before_the_next.defer()
    raise ValueError


def defer_periodic(task: Task[..., Any, ...]) -> None:
    task.configure(task_kwargs={"timestamp": 0}).defer()


def job_of(job_id: int) -> ProcrastinateJob:
    job: ProcrastinateJob = ProcrastinateJob.objects.get(pk=job_id)
    return job


def change(job_id: int, **fields: object) -> None:
    ProcrastinateJob.objects.filter(pk=job_id).update(**fields)


def give_to_dead_worker(job_id: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - interval '1 minute')")
    change(job_id, status="doing", worker=ProcrastinateWorker.objects.get())


def let_it_have_ended(job_id: int, *, hours_ago: int, status: str) -> None:
    change(job_id, status=status)
    ProcrastinateEvent.objects.filter(job=job_id).update(at=timezone.now() - timedelta(hours=hours_ago))


def test_it_does_each_job_once(run_jobs: RunJobs) -> None:
    done.clear()
    ids = [succeed.defer(word=word) for word in ("one", "two")]
    run_jobs()
    run_jobs()
    assert sorted(done) == ["one", "two"]
    assert [job_of(job_id).status for job_id in ids] == ["succeeded"] * 2


def test_it_tries_again_later_and_keeps_the_reason_without_secrets(run_jobs: RunJobs) -> None:
    job_id = fail.defer()
    run_jobs()
    job, error = job_of(job_id), JobError.objects.get(job=job_id)
    assert (job.status, job.attempts) == ("todo", 1)
    assert job.scheduled_at is not None and job.scheduled_at - error.at >= timedelta(seconds=4)
    assert error.text == "ValueError: no such key: api_key=[redacted]"


def test_it_gives_up_after_the_last_attempt(run_jobs: RunJobs) -> None:
    job_id = fail.defer()
    change(job_id, attempts=JOB_RETRY.max_attempts)
    run_jobs()
    assert [job.pk for job in job_queue.failed()] == [job_id]


def test_it_tries_again_although_the_next_one_waits_already(run_jobs: RunJobs) -> None:
    fail_before_the_next.defer()
    run_jobs()
    jobs = ProcrastinateJob.objects.order_by("pk").values_list("status", "attempts")
    assert list(jobs) == [("todo", 1), ("todo", 0)]


@pytest.mark.parametrize("next_waits", [False, True])
def test_it_takes_over_the_job_of_a_dead_worker(next_waits: bool, run_jobs: RunJobs) -> None:
    job_id = fail_before_the_next.defer()
    give_to_dead_worker(job_id)
    if next_waits:
        fail_before_the_next.defer()
    defer_periodic(tasks.retry_stalled_jobs)
    run_jobs()
    job = job_of(job_id)
    assert (job.status, job.attempts) == ("todo", 1)
    assert not ProcrastinateWorker.objects.exists()


def test_it_leaves_the_job_of_a_living_worker_alone(run_jobs: RunJobs) -> None:
    job_id = fail.defer()
    give_to_dead_worker(job_id)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE procrastinate_workers SET last_heartbeat = now()")
    defer_periodic(tasks.retry_stalled_jobs)
    run_jobs()
    assert job_of(job_id).status == "doing"


def test_it_gives_up_a_job_that_goes_on_killing_workers(run_jobs: RunJobs) -> None:
    job_id = fail.defer()
    give_to_dead_worker(job_id)
    change(job_id, attempts=JOB_RETRY.max_attempts)
    defer_periodic(tasks.retry_stalled_jobs)
    run_jobs()
    [job] = job_queue.failed()
    assert (job.pk, JobError.objects.get(job=job).text) == (job_id, "The worker died while it did this.")


@pytest.mark.parametrize(
    ("status", "hours", "stays"),
    [("succeeded", 23, True), ("succeeded", 25, False), ("failed", 25, True), ("failed", 24 * 31, False)],
)
def test_it_deletes_jobs_that_ended_long_ago(status: str, hours: int, stays: bool, run_jobs: RunJobs) -> None:
    job_id = fail.defer()
    job_queue.note_error(job_id, "ValueError")
    let_it_have_ended(job_id, hours_ago=hours, status=status)
    defer_periodic(tasks.delete_old_jobs)
    run_jobs()
    assert ProcrastinateJob.objects.filter(pk=job_id).exists() == stays
    assert JobError.objects.filter(job_id=job_id).exists() == stays


def test_no_periodic_task_waits_twice_or_runs_beside_itself() -> None:
    assert len(app.periodic_registry.periodic_tasks) >= 7
    for (name, _), periodic in app.periodic_registry.periodic_tasks.items():
        assert periodic.task.queueing_lock, name
        assert periodic.task.lock == periodic.task.queueing_lock or periodic.task is tasks.retry_stalled_jobs, name
