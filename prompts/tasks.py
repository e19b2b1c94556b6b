"""What the worker does for prompts."""

from __future__ import annotations

from django.conf import settings
from procrastinate.contrib.django import app

from prompts import rollouts


# Three times a minute: a version that fails is to be taken back within 60 seconds.
@app.periodic(cron="* * * * * */20")
@app.task(lock="prompts.check_rollouts", queueing_lock="prompts.check_rollouts", retry=settings.JOB_RETRY)
def check_rollouts(timestamp: int) -> None:
    rollouts.take_back_if_due()
