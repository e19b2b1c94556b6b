"""What a month has cost so far, and what it is going to cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from telemetry.costs.month import DAY, Month
from telemetry.costs.projection import LOOK_BACK, Projection, projected_days, projection_of
from telemetry.rollups.coverage import Span, day_of
from telemetry.rollups.reading import Reader


@dataclass(frozen=True, slots=True)
class Spending:
    """``days``: of today and the days to come, what each is going to cost; none where too little is known."""

    spent: Decimal
    projection: Projection | None
    days: Mapping[datetime, Decimal]


def spending_of(reader: Reader, month: Month) -> Spending:
    """Of the calls of ``reader``, whatever its time. ``month`` is the current one."""
    today = day_of(month.now)
    first = min(month.start, today - LOOK_BACK * DAY)
    daily = {start: cost for (start,), cost in reader.over(Span(first, month.now)).costs((), every=DAY).items()}
    spent = sum((usd for day, usd in daily.items() if day >= month.start), Decimal())
    past = _without_gaps(daily, max(min(daily, default=today), today - LOOK_BACK * DAY), today)
    projection = projection_of(past, spent=spent, spent_today=daily.get(today, Decimal()), today=today, until=month.end)
    return Spending(spent, projection, projected_days(past, today=today, until=month.end))


def _without_gaps(daily: Mapping[datetime, Decimal], first: datetime, today: datetime) -> dict[datetime, Decimal]:
    days = [first + number * DAY for number in range((today - first).days)]
    return {day: daily.get(day, Decimal()) for day in days}
