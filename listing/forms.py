"""Filters of a list page. They stand in its address, so that a list can be kept and sent as a link."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property, reduce
from operator import or_
from typing import Any, ClassVar, NamedTuple, Protocol, TypeVar, cast
from uuid import UUID

from django import forms
from django.contrib.auth import get_user_model
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db.models import Q, QuerySet
from django.forms.boundfield import BoundField
from django.http import QueryDict
from django.utils import timezone

from listing.pages import query_of

Rows = TypeVar("Rows", bound=QuerySet[Any])
PERIODS = {
    "15m": ("Last 15 minutes", timedelta(minutes=15)),
    "1h": ("Last hour", timedelta(hours=1)),
    "24h": ("Last 24 hours", timedelta(days=1)),
    "7d": ("Last 7 days", timedelta(days=7)),
    "30d": ("Last 30 days", timedelta(days=30)),
}


class _User(Protocol):
    audit_id: UUID


class Chip(NamedTuple):
    """A filter that is given; ``query`` is that of the list without it."""

    label: str
    value: str
    query: str


class Choice(NamedTuple):
    key: str
    label: str


@dataclass(frozen=True, slots=True)
class Filter:
    """``choices`` of a field that is a list to choose from."""

    field: BoundField
    chip: Chip | None
    choices: Sequence[Choice]


@dataclass(frozen=True, slots=True)
class Bar:
    """``find``: words to look for. ``row`` stands beside it, ``time`` at the end, ``more`` opens."""

    find: Filter | None
    row: Sequence[Filter]
    more: Sequence[Filter]
    time: Filter | None

    @property
    def given(self) -> int:
        """How many there are, but for those of words and time."""
        return self.given_more + sum(filter.chip is not None for filter in self.row)

    @property
    def given_more(self) -> int:
        return sum(filter.chip is not None for filter in self.more)


class UserField(forms.CharField):
    """A user by email address or audit ID, which an deleted user still has; cleans to the audit ID."""

    def __init__(self, **options: Any) -> None:
        widget = forms.TextInput(attrs={"placeholder": "email or audit ID"})
        super().__init__(required=False, max_length=254, widget=widget, **options)

    def clean(self, value: Any) -> UUID | None:
        text = str(super().clean(value))
        if not text:
            return None
        try:
            return UUID(text)
        except ValueError:
            user = get_user_model()._default_manager.filter(email__iexact=text).first()
        if user is None:
            raise forms.ValidationError("No user with this email address. An deleted user is found by audit ID.")
        return cast(_User, user).audit_id


class MomentField(forms.DateTimeField):
    """A local date and time, within the years that a database and every time zone can hold."""

    default_validators = [
        MinValueValidator(datetime(2000, 1, 1, tzinfo=UTC), "Enter a date from 2000 on."),
        MaxValueValidator(datetime(2200, 1, 1, tzinfo=UTC), "Enter a date before 2200."),
    ]
    widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")


class FilterForm(forms.Form):
    """Every field is optional, and all that are given must hold; nothing is listed while one has an error.

    ``lookups`` are those of the fields that are compared as they are. ``apply`` is extended for the others. The bar
    shows the fields in one row, but for those in ``more``, which open from its end. Those in ``layout`` say how rows
    are shown, not which, and the page places them itself.
    """

    lookups: ClassVar[Mapping[str, str]] = {}
    more: ClassVar[Collection[str]] = ()
    layout: ClassVar[Collection[str]] = ()

    def __init__(self, data: QueryDict) -> None:
        super().__init__(data)
        self._query = data

    def narrow(self, rows: Rows) -> Rows:
        return self.apply(rows) if self.is_valid() else rows.none()

    def apply(self, rows: Rows) -> Rows:
        """Only for a valid form."""
        values = {lookup: self.cleaned_data.get(name) for name, lookup in self.lookups.items()}
        return rows.filter(**{lookup: value for lookup, value in values.items() if value not in (None, "")})

    @property
    def query(self) -> str:
        """For a link to the same rows elsewhere, such as an export."""
        return query_of(self._query)

    def chips(self) -> list[Chip]:
        """One for each filter that is given, right or wrong."""
        return [filter.chip for filter in self._filters if filter.chip]

    @cached_property
    def bar(self) -> Bar:
        """The filters by their places."""
        found = {filter.field.name: filter for filter in self._filters}
        find, time = found.pop("q", None), found.pop("range", None)
        more = [found.pop(name) for name in (*self.more, "start", "end") if name in found]
        return Bar(find, list(found.values()), more, time)

    @cached_property
    def _filters(self) -> list[Filter]:
        return [self._filter(field) for field in self if field.name not in self.layout]

    def _filter(self, field: BoundField) -> Filter:
        text = self._shown(field)
        chip = Chip(str(field.label), text, query_of(self._query, without=field.name)) if text else None
        choices = [Choice(str(key), str(name)) for key, name in getattr(field.field.widget, "choices", ())]
        return Filter(field, chip, choices)

    def _shown(self, field: BoundField) -> str:
        text = str(field.data or "").strip()
        if field.errors:
            return text
        value = self.cleaned_data[field.name]
        if isinstance(value, datetime):
            return f"{timezone.localtime(value):%d %b %Y %H:%M}"
        return str(dict(getattr(field.field.widget, "choices", ())).get(text, text)) if text else ""


class SearchFilter(FilterForm):
    """Rows that hold each word, in any of the ``searched`` columns."""

    searched: ClassVar[tuple[str, ...]]

    q = forms.CharField(required=False, max_length=200, label="Search", widget=forms.TextInput({"type": "search"}))

    def apply(self, rows: Rows) -> Rows:
        rows = super().apply(rows)
        for word in self.cleaned_data["q"].split():
            rows = rows.filter(reduce(or_, (Q((f"{column}__icontains", word)) for column in self.searched)))
        return rows


class PeriodFilter(FilterForm):
    """Rows by the time in ``time_column``."""

    time_column: ClassVar[str]

    range = forms.ChoiceField(
        required=False, label="Time", choices=[("", "Any time"), *((key, label) for key, (label, _) in PERIODS.items())]
    )
    start = MomentField(required=False, label="From")
    end = MomentField(required=False, label="To")

    def __init__(self, data: QueryDict) -> None:
        super().__init__(data)
        self.order_fields([name for name in self.fields if name not in PeriodFilter.base_fields])

    def apply(self, rows: Rows) -> Rows:
        return self.in_period(super().apply(rows))

    def in_period(self, rows: Rows) -> Rows:
        """Only for a valid form."""
        return self.within(rows, *self.bounds(timezone.now()))

    def bounds(self, now: datetime) -> tuple[datetime | None, datetime | None]:
        """Where the time that is asked for begins and ends. Only for a valid form."""
        period, start, end = (self.cleaned_data[name] for name in PeriodFilter.base_fields)
        starts = [start, now - PERIODS[period][1] if period else None]
        return max(filter(None, starts), default=None), end

    def within(self, rows: Rows, start: datetime | None, end: datetime | None) -> Rows:
        """From ``start`` on, and before ``end``."""
        bounds = Q((f"{self.time_column}__gte", start)) if start else Q()
        return rows.filter(bounds & Q((f"{self.time_column}__lt", end)) if end else bounds)
