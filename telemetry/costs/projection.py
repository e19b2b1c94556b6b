"""What a month is going to cost. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from statistics import variance

DAY = timedelta(days=1)
# Days that have passed, of which there must be so many.
FEWEST = 3
LOOK_BACK = 28
# Standard deviations on either side within which 8 of 10 values of a normal distribution lie.
WITHIN = 1.2816


@dataclass(frozen=True, slots=True)
class Projection:
    """In USD at the end of the month: what is expected, and between what 8 of 10 such months end."""

    expected: Decimal
    low: Decimal
    high: Decimal


def projected_days(costs: Mapping[datetime, Decimal], *, today: datetime, until: datetime) -> dict[datetime, Decimal]:
    """By day, from ``today`` on and before ``until``: the mean of such days, weekends apart, of those in ``costs``.

    ``costs`` are those of whole days before today, without gaps; nothing is projected from a few of them.
    """
    if len(costs) < FEWEST:
        return {}
    days = [today + number * DAY for number in range((until - today).days)]
    overall = _mean(list(costs.values()))
    means = {weekend: _mean(_of_kind(costs, weekend)) for weekend in (False, True)}
    return {day: _known(means[_is_weekend(day)], overall) for day in days}


def projection_of(
    costs: Mapping[datetime, Decimal], *, spent: Decimal, spent_today: Decimal, today: datetime, until: datetime
) -> Projection | None:
    """None where too little is known. ``spent`` in the month until now, ``spent_today`` of it today."""
    days = projected_days(costs, today=today, until=until)
    if not days:
        return None
    left = {**days, today: max(days[today] - spent_today, Decimal())}
    expected = spent + sum(left.values(), Decimal())
    band = Decimal(WITHIN * _deviation(costs, [day for day, usd in left.items() if usd]))
    return Projection(expected, max(expected - band, spent), expected + band)


def _deviation(costs: Mapping[datetime, Decimal], days: Sequence[datetime]) -> float:
    """Of the sum of these days: they differ from each other, and the mean that is known from the true one."""
    total = 0.0
    for weekend in (False, True):
        known = [float(cost) for cost in _of_kind(costs, weekend)]
        known = known if len(known) > 1 else [float(cost) for cost in costs.values()]
        count = sum(_is_weekend(day) == weekend for day in days)
        total += variance(known) * (count + count**2 / len(known))
    return float(total**0.5)


def _of_kind(costs: Mapping[datetime, Decimal], weekend: bool) -> list[Decimal]:
    return [cost for day, cost in costs.items() if _is_weekend(day) == weekend]


def _known(mean: Decimal | None, overall: Decimal | None) -> Decimal:
    return next((value for value in (mean, overall) if value is not None), Decimal())


def _is_weekend(day: datetime) -> bool:
    return day.weekday() >= 5


def _mean(values: list[Decimal]) -> Decimal | None:
    return sum(values, Decimal()) / len(values) if values else None
