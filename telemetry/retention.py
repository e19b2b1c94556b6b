"""How long what was said in calls is kept. The records of the calls, with their figures, stay."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from audit.services import record
from telemetry.actions import TelemetryAction
from telemetry.partitions import CONTENT, CONTEXT, drop

# What apps above keep of content that is no longer there. Called within the transaction that has dropped it.
also_forget: list[Callable[[], None]] = []


def drop_old_content() -> list[date]:
    """Drop the months of which every day is older than is kept; returns those that there were."""
    if not settings.CONTENT_DAYS:
        return []
    first_kept = _first_kept_month(timezone.now() - timedelta(days=settings.CONTENT_DAYS))
    months = sorted({month for of in (CONTENT, CONTEXT) for month in of.months() if month < first_kept})
    for month in months:
        _drop_month(month)
    _delete_from_default_partitions(first_kept)
    return months


def _first_kept_month(limit: datetime) -> date:
    return limit.astimezone(UTC).date().replace(day=1)


@transaction.atomic
def _drop_month(month: date) -> None:
    for of in (CONTENT, CONTEXT):
        if month in of.months():
            drop(of, month)
    _forget_elsewhere()
    record(
        action=TelemetryAction.CONTENT_DROP,
        actor=None,
        after={"month": f"{month:%Y-%m}", "kept_days": settings.CONTENT_DAYS},
    )


@transaction.atomic
def _delete_from_default_partitions(first_kept: date) -> None:
    """Of calls with random ids, and of clocks that were wrong: no partition of a month has them."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM telemetry_generationcontent_default WHERE period < %s", [first_kept])
        contents = cursor.rowcount
        cursor.execute("DELETE FROM telemetry_contextmessage_default WHERE period < %s", [first_kept])
        messages = cursor.rowcount
    if contents or messages:
        _forget_elsewhere()
        record(
            action=TelemetryAction.CONTENT_DROP,
            actor=None,
            after={"before": f"{first_kept:%Y-%m}", "calls": contents, "kept_days": settings.CONTENT_DAYS},
        )


def _forget_elsewhere() -> None:
    for forget in also_forget:
        forget()
