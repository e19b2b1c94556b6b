"""Calls, what was said in them and what they sent, in one partition for each month in UTC.

A partition is made ahead, so that its making never waits for calls that are stored. What no partition is there for
goes to the default one: calls of clocks that are wrong, and those from before there were partitions.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime, time

from django.db import connection, transaction

from telemetry.call_ids import first_id

# This month and those after it: a worker that stands still for a month does no harm.
MONTHS_AHEAD = 2
_MONTH = re.compile(r"_(\d{4})_(\d{2})$")
# To take a table for a moment, calls are kept waiting; not for longer than they would notice.
_PATIENCE = "SET LOCAL lock_timeout = '3s'"
_PARTITIONS = "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = %s::regclass"


@dataclass(frozen=True, slots=True)
class Partitioned:
    """A table whose partitions are ranges of ``column``; ``bound`` gives where a month begins in it."""

    table: str
    column: str
    bound: Callable[[date], str]

    def name(self, month: date) -> str:
        return f"{self.table}_{month:%Y_%m}"

    def months(self) -> list[date]:
        """Those that have a partition, the oldest first."""
        with connection.cursor() as cursor:
            cursor.execute(_PARTITIONS, [self.table])
            found = [_MONTH.search(name) for (name,) in cursor.fetchall()]
        return sorted(date(int(match[1]), int(match[2]), 1) for match in found if match)


def _first_id_of(month: date) -> str:
    return str(first_id(datetime.combine(month, time.min, UTC)))


CALLS = Partitioned("telemetry_generation", "id", _first_id_of)
CONTENT = Partitioned("telemetry_generationcontent", "generation_id", _first_id_of)
CONTEXT = Partitioned("telemetry_contextmessage", "period", date.isoformat)
ALL = (CALLS, CONTENT, CONTEXT)


def month_after(month: date) -> date:
    return month.replace(year=month.year + month.month // 12, month=month.month % 12 + 1)


def wanted_months(today: date) -> list[date]:
    months = [today.replace(day=1)]
    for _ in range(MONTHS_AHEAD):
        months.append(month_after(months[-1]))
    return months


def make_ahead(today: date) -> list[str]:
    return make(wanted_months(today))


def make(months: Collection[date]) -> list[str]:
    """Make those partitions that are missing, each by a transaction of its own; returns their names."""
    missing = _missing(months)
    for of, month in missing:
        _make(of, month)
    return [of.name(month) for of, month in missing]


def _missing(months: Collection[date]) -> list[tuple[Partitioned, date]]:
    return [(of, month) for of in ALL for month in sorted(set(months) - set(of.months()))]


@transaction.atomic
def _make(of: Partitioned, month: date) -> None:
    """Rows of the month that the default partition has are moved, since it may have none once there is another."""
    first, end, name = of.bound(month), of.bound(month_after(month)), of.name(month)
    with connection.cursor() as cursor:
        cursor.execute(_PATIENCE)
        # The same lock that ATTACH takes, so that no two workers do this at once; calls go on being stored.
        cursor.execute(f"LOCK TABLE {of.table} IN SHARE UPDATE EXCLUSIVE MODE")
        cursor.execute(f"CREATE TABLE {name} (LIKE {of.table} INCLUDING DEFAULTS INCLUDING CONSTRAINTS)")
        cursor.execute(f"LOCK TABLE {of.table}_default IN ACCESS EXCLUSIVE MODE")
        cursor.execute(
            f"WITH moved AS (DELETE FROM {of.table}_default WHERE {of.column} >= %s AND {of.column} < %s RETURNING *)"  # noqa: S608
            f" INSERT INTO {name} SELECT * FROM moved",
            [first, end],
        )
        cursor.execute(f"ALTER TABLE {of.table} ATTACH PARTITION {name} FOR VALUES FROM (%s) TO (%s)", [first, end])


def drop(of: Partitioned, month: date) -> None:
    """Within the caller's transaction."""
    with connection.cursor() as cursor:
        cursor.execute(_PATIENCE)
        cursor.execute(f"DROP TABLE {of.name(month)}")


def missing_months(today: date) -> list[str]:
    """Names of partitions that there should be and are not."""
    return [of.name(month) for of, month in _missing(wanted_months(today))]


MOST_COUNTED = 1000
_IN_DEFAULT = """
SELECT count(*) FROM (
  SELECT FROM telemetry_generation_default WHERE substr(id::text, 15, 1) = '7' LIMIT %s
) AS call
"""


def calls_in_default() -> int:
    """Calls with an id of a month that has no partition. Those from before partitions do not count."""
    with connection.cursor() as cursor:
        cursor.execute(_IN_DEFAULT, [MOST_COUNTED])
        return int(cursor.fetchone()[0])
