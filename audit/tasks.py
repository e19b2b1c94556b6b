"""What the worker does for the log every minute. Each of these ends at once where nothing is due."""

from __future__ import annotations

from django.conf import settings
from procrastinate.contrib.django import app

from audit import checkpointer, verification


@app.periodic(cron="* * * * *")
@app.task(lock="audit.write_checkpoint", queueing_lock="audit.write_checkpoint", retry=settings.JOB_RETRY)
def write_checkpoint(timestamp: int) -> None:
    checkpointer.write_if_due()


@app.periodic(cron="* * * * *")
@app.task(lock="audit.send_checkpoint", queueing_lock="audit.send_checkpoint", retry=settings.JOB_RETRY)
def send_checkpoint(timestamp: int) -> None:
    checkpointer.send_newest()


@app.periodic(cron="* * * * *")
@app.task(lock="audit.verify_next_slice", queueing_lock="audit.verify_next_slice", retry=settings.JOB_RETRY)
def verify_next_slice(timestamp: int) -> None:
    verification.verify_next_slice()
