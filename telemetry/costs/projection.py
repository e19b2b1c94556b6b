"""What a month is going to cost. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal

DAY = timedelta(days=1)
# Days that have passed, of which there must be so many.
FEWEST = 3
LOOK_BACK = 28


def projected_days(costs: Mapping[datetime, Decimal], *, today: datetime, until: datetime) -> dict[datetime, Decimal]:
    """By day, from ``today`` on and before ``until``: the mean of such days, weekends apart, of those in ``costs``.

    ``costs`` are those of whole days before today, without gaps; nothing is projected from a few of them.
    """
    if len(costs) < FEWEST:
        return {}
    days = [today + number * DAY for number in range((until - today).days)]
    overall = _mean(list(costs.values()))
    means = {weekend: _mean([cost for day, cost in costs.items() if _is_weekend(day) == weekend]) for weekend in (0, 1)}
    return {day: _known(means[_is_weekend(day)], overall) for day in days}


def _known(mean: Decimal | None, overall: Decimal | None) -> Decimal:
    return next((value for value in (mean, overall) if value is not None), Decimal())


def _is_weekend(day: datetime) -> bool:
    return day.weekday() >= 5


def _mean(values: list[Decimal]) -> Decimal | None:
    return sum(values, Decimal()) / len(values) if values else None
