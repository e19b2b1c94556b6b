"""Which time and whose calls a page of figures is about. All of it stands in its address."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from django import forms
from django.http import QueryDict

from accounts.models import Membership, User
from listing.forms import MomentField
from telemetry.rollups.coverage import Span

if TYPE_CHECKING:
    from django.db.models import QuerySet

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
# By key: how it is called, how long it is, and how long a column of its charts.
RANGES: Mapping[str, tuple[str, timedelta, timedelta]] = {
    "15m": ("15 min", timedelta(minutes=15), timedelta(seconds=30)),
    "1h": ("1 h", HOUR, timedelta(minutes=2)),
    "24h": ("24 h", DAY, HOUR),
    "7d": ("7 d", 7 * DAY, 4 * HOUR),
    "30d": ("30 d", 30 * DAY, DAY),
    "90d": ("90 d", 90 * DAY, DAY),
}
CUSTOM, DEFAULT = "custom", "24h"
LONGEST = 400 * DAY
SCOPES = {"mine": "Mine", "team": "Team", "everyone": "Everyone"}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Window:
    """``every``: how long a column of a chart is, the first of which begins with the span."""

    span: Span
    every: timedelta

    @property
    def previous(self) -> Span:
        return Span(self.span.start - (self.span.end - self.span.start), self.span.start)

    def starts(self) -> list[datetime]:
        """Of the columns."""
        count = -((self.span.start - self.span.end) // self.every)
        return [self.span.start + number * self.every for number in range(count)]


def window_of(key: str, now: datetime) -> Window:
    _, length, every = RANGES[key]
    return Window(Span(_floor(now - length, every), now), every)


def custom_window(start: datetime, end: datetime) -> Window:
    """From the beginning of its first column on."""
    length = end - start
    every = next((every for _, longest, every in RANGES.values() if length <= longest), DAY)
    return Window(Span(_floor(start, every), end), every)


def _floor(moment: datetime, every: timedelta) -> datetime:
    return _EPOCH + (moment - _EPOCH) // every * every


class WindowForm(forms.Form):
    """Whatever is missing or wrong is as by default: an address is no form that somebody fills in."""

    range = forms.ChoiceField(
        required=False, choices=[*((key, label) for key, (label, _, _) in RANGES.items()), (CUSTOM, "Custom")]
    )
    start = MomentField(required=False, label="From")
    end = MomentField(required=False, label="To")
    whose = forms.ChoiceField(required=False, choices=list(SCOPES.items()))

    def __init__(self, data: QueryDict, *, user: User) -> None:
        super().__init__(data)
        self.user = user

    def clean(self) -> None:
        start, end = self.cleaned_data.get("start"), self.cleaned_data.get("end")
        if self.cleaned_data.get("range") != CUSTOM or self.errors:
            return
        if start is None or end is None:
            return
        if not timedelta() < end - start <= LONGEST:
            self.add_error("end", f"Must be after the start, by {LONGEST.days} days at most.")

    @property
    def range_key(self) -> str:
        return self.cleaned_data.get("range") or DEFAULT

    @property
    def scope(self) -> str:
        """Only administrators see the calls of others."""
        return (self.cleaned_data.get("whose") or "mine") if self.user.is_administrator else "mine"

    def window(self, now: datetime) -> Window:
        start, end = self.cleaned_data.get("start"), self.cleaned_data.get("end")
        if self.range_key != CUSTOM:
            return window_of(self.range_key, now)
        return custom_window(start, end) if start and end else window_of(DEFAULT, now)

    def users(self) -> list[int] | None:
        """Keys of those whose calls are meant; None for everyone's."""
        return None if self.scope == "everyone" else list(users_of(self.scope, self.user).values_list("pk", flat=True))


def users_of(scope: str, user: User) -> QuerySet[User]:
    """The user alone, or all who are in a team with them."""
    if scope == "mine":
        return User.objects.filter(pk=user.pk)
    teams = Membership.objects.filter(user=user).values("team")
    return User.objects.filter(pk__in=Membership.objects.filter(team__in=teams).values("user"))
