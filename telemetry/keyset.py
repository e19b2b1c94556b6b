"""Paging through calls, newest first, by position instead of page number: rows that arrive shift nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple, Self
from uuid import UUID

from django.db.models import Q

from telemetry.models import Generation

if TYPE_CHECKING:
    from django.db.models import QuerySet

PAGE_SIZE = 50
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Position(NamedTuple):
    """A call's place in the list; written into URLs as microseconds and id."""

    started_at: datetime
    id: UUID

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """None for a text that is no position."""
        microseconds, _, pk = text.partition(".")
        try:
            return cls(_EPOCH + int(microseconds) * _MICROSECOND, UUID(pk))
        except (ValueError, OverflowError):
            return None

    def __str__(self) -> str:
        return f"{(self.started_at - _EPOCH) // _MICROSECOND}.{self.id}"

    @property
    def after(self) -> Q:
        """Older calls. The bare bound on the time lets the index find the place."""
        return Q(started_at__lte=self.started_at) & (Q(started_at__lt=self.started_at) | Q(pk__lt=self.id))

    @property
    def before(self) -> Q:
        return Q(started_at__gte=self.started_at) & (Q(started_at__gt=self.started_at) | Q(pk__gt=self.id))


@dataclass(frozen=True, slots=True)
class Page:
    """Some calls; ``has_newer`` and ``has_older`` tell whether there are more on either side."""

    rows: list[Generation]
    has_newer: bool
    has_older: bool

    @property
    def newer(self) -> str:
        """The position from which the page of newer calls is asked for, or nothing."""
        return str(_position(self.rows[0])) if self.has_newer else ""

    @property
    def older(self) -> str:
        return str(_position(self.rows[-1])) if self.has_older else ""


def get_page(calls: QuerySet[Generation], *, older: str = "", newer: str = "", size: int = PAGE_SIZE) -> Page:
    """The calls next older or newer than a position, or the newest ones where that is no full page."""
    if end := Position.parse(newer):
        rows = list(calls.filter(end.before).order_by("started_at", "id")[: size + 1])
        if len(rows) > size:
            return Page(rows[size - 1 :: -1], has_newer=True, has_older=True)
    if start := Position.parse(older):
        rows = list(calls.filter(start.after)[: size + 1])
        if rows:
            return Page(rows[:size], has_newer=True, has_older=len(rows) > size)
    rows = list(calls[: size + 1])
    return Page(rows[:size], has_newer=False, has_older=len(rows) > size)


def _position(generation: Generation) -> Position:
    return Position(generation.started_at, generation.pk)
