"""Which parts of a range of time are read from days, from hours, and from the calls themselves. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Span:
    """From ``start`` on, and before ``end``."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Coverage:
    days: list[Span]
    hours: list[Span]
    calls: list[Span]


def hour_of(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def day_of(moment: datetime) -> datetime:
    return hour_of(moment).replace(hour=0)


def cover(whole: Span, *, stale: Collection[datetime], now: datetime, coarsest: timedelta = DAY) -> Coverage:
    """``stale``: the hours whose calls have changed since they were rolled up. The hour of ``now`` always is.

    ``coarsest``: the longest stretch that the reader does not want to see parted.
    """
    days: list[Span] = []
    hours: list[Span] = []
    calls: list[Span] = []
    changed_hours = set(stale) | {hour_of(now)}
    changed_days = {day_of(hour) for hour in changed_hours}
    position = whole.start
    while position < whole.end:
        day, hour = day_of(position), hour_of(position)
        if coarsest >= DAY and _is_whole(day, DAY, position, whole.end) and day not in changed_days:
            step, found = Span(day, day + DAY), days
        elif coarsest >= HOUR and _is_whole(hour, HOUR, position, whole.end) and hour not in changed_hours:
            step, found = Span(hour, hour + HOUR), hours
        else:
            step, found = Span(position, min(hour + HOUR, whole.end)), calls
        found.append(step)
        position = step.end
    return Coverage(_joined(days), _joined(hours), _joined(calls))


def _is_whole(unit: datetime, length: timedelta, position: datetime, end: datetime) -> bool:
    return position == unit and unit + length <= end


def _joined(spans: Iterable[Span]) -> list[Span]:
    joined: list[Span] = []
    for span in spans:
        if joined and joined[-1].end == span.start:
            joined[-1] = Span(joined[-1].start, span.end)
        else:
            joined.append(span)
    return joined
