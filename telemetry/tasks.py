"""What the worker does for the records of calls."""

from __future__ import annotations

from django.conf import settings
from django.utils import timezone
from procrastinate.contrib.django import app

from telemetry import partitions, retention
from telemetry.rollups import keeping


@app.periodic(cron="7 * * * *")
@app.task(lock="telemetry.make_partitions", queueing_lock="telemetry.make_partitions", retry=settings.JOB_RETRY)
def make_partitions(timestamp: int) -> None:
    partitions.make_ahead(timezone.now().date())


@app.periodic(cron="23 3 * * *")
@app.task(lock="telemetry.drop_old_content", queueing_lock="telemetry.drop_old_content", retry=settings.JOB_RETRY)
def drop_old_content(timestamp: int) -> None:
    retention.drop_old_content()


@app.periodic(cron="* * * * *")
@app.task(lock="telemetry.roll_up", queueing_lock="telemetry.roll_up", retry=settings.JOB_RETRY)
def roll_up(timestamp: int) -> None:
    keeping.roll_up(now=timezone.now())
