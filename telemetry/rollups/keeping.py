"""Keeping the rollups: whatever happens to a call, the hour that it started in is counted anew."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from django.db import connection, transaction
from django.db.models import Min

from telemetry.rollups.coverage import HOUR, day_of, hour_of
from telemetry.rollups.models import Rollup, StaleHour
from telemetry.rollups.source import COLUMNS, counted

# An advisory lock no other part takes: "roll" in ASCII.
_LOCK = 0x726F6C6C


def stale_hours(*, before: datetime) -> set[datetime]:
    """The hours that the rollups are behind in."""
    return set(StaleHour.objects.filter(hour__lt=before).values_list("hour", flat=True).distinct())


def roll_up(*, now: datetime) -> int:
    """Count anew what is stale of all hours that have ended, the newest day first; returns how many hours it was.

    A day is done whole or not at all, so that nothing is lost when this is killed.
    """
    stale = stale_hours(before=hour_of(now))
    for day in sorted({day_of(hour) for hour in stale}, reverse=True):
        _roll_up_day(day, {hour for hour in stale if day_of(hour) == day})
    return len(stale)


@transaction.atomic
def _roll_up_day(day: datetime, hours: Collection[datetime]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
    # First: what changes from here on leaves another mark, and what has left one of these is seen below.
    StaleHour.objects.filter(hour__in=hours).delete()
    for by_caller in (True, False):
        for hour in hours:
            _count(hour, 1, by_caller=by_caller)
        _count(day, 24, by_caller=by_caller)


def _count(start: datetime, hours: int, *, by_caller: bool) -> None:
    Rollup.objects.filter(hours=hours, by_caller=by_caller, start=start).delete()
    # Not by id: calls from before ids carried the time have random ones.
    condition = "started_at >= %(start)s AND started_at < %(end)s"
    rows = counted("%(start)s::timestamptz", condition, by_caller=by_caller)
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO telemetry_rollup (hours, by_caller, start, {COLUMNS})"  # noqa: S608
            f" SELECT %(hours)s, %(by_caller)s, counted.* FROM ({rows}) AS counted",
            {"start": start, "end": start + hours * HOUR, "hours": hours, "by_caller": by_caller},
        )


@transaction.atomic
def mark_all_stale() -> int:
    """So that the next time, all that calls are stored of is counted anew; returns how many hours it is."""
    from telemetry.models import Generation

    first = Generation.objects.aggregate(first=Min("started_at"))["first"]
    if first is None:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO telemetry_stalehour (hour) SELECT DISTINCT date_trunc('hour', started_at, 'UTC') "
            "FROM telemetry_generation UNION SELECT start FROM telemetry_rollup WHERE hours = 1 AND start >= %s",
            [day_of(first)],
        )
        return int(cursor.rowcount)
