"""What the worker does for the records of calls."""

from __future__ import annotations

from django.conf import settings
from django.utils import timezone
from procrastinate.contrib.django import app

from telemetry import partitions, retention
from telemetry.costs import alerts
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


@app.task(retry=settings.JOB_RETRY)
def mail_budget_alert(alert_id: int, user_id: int) -> None:
    alerts.mail_alert(alert_id=alert_id, user_id=user_id)


@app.periodic(cron="*/5 * * * *")
@app.task(lock="telemetry.check_budgets", queueing_lock="telemetry.check_budgets", retry=settings.JOB_RETRY)
def check_budgets(timestamp: int) -> None:
    alerts.check_budgets(now=timezone.now(), defer_mail=_mail_later)


def _mail_later(alert_id: int, user_id: int) -> None:
    mail_budget_alert.defer(alert_id=alert_id, user_id=user_id)
