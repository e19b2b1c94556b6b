"""Which month a page of costs is about. Months and days are those of UTC, as on the invoices of providers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from telemetry.rollups.coverage import Span

DAY = timedelta(days=1)
OLDEST = datetime(2020, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Month:
    """``start`` is its first moment; ``now`` lies within it or after it."""

    start: datetime
    now: datetime

    @property
    def end(self) -> datetime:
        return (self.start + 32 * DAY).replace(day=1)

    @property
    def span(self) -> Span:
        """As much of it as has passed."""
        return Span(self.start, min(self.end, self.now))

    @property
    def is_current(self) -> bool:
        return self.now < self.end

    @property
    def days(self) -> list[datetime]:
        return [self.start + number * DAY for number in range((self.end - self.start).days)]

    @property
    def key(self) -> str:
        return f"{self.start:%Y-%m}"

    @property
    def before(self) -> Month:
        """The month before, up to the same day and time of it, or all of it where this month is over."""
        start = (self.start - DAY).replace(day=1)
        return Month(start, min(start + (self.span.end - self.start), self.start) if self.is_current else self.start)

    @property
    def after(self) -> Month | None:
        return None if self.is_current else Month(self.end, self.now)


def month_of(key: str, now: datetime) -> Month:
    """By ``2026-11``; the current one for anything else, and for what is not yet or long ago."""
    now = now.astimezone(UTC)
    current = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    try:
        start = datetime.strptime(key, "%Y-%m").replace(tzinfo=UTC)
    except ValueError:
        return Month(current, now)
    return Month(start if OLDEST <= start <= current else current, now)
