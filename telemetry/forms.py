"""Narrowing down the list of calls."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.http import QueryDict
from django.utils import timezone

from accounts.models import User
from telemetry.models import Generation, Status

if TYPE_CHECKING:
    from django.db.models import QuerySet

# How many of the newest calls are looked through for names to offer.
RECENT = 1000


class Range(models.TextChoices):
    QUARTER_HOUR = "15m", "Last 15 minutes"
    HOUR = "1h", "Last hour"
    DAY = "24h", "Last 24 hours"
    WEEK = "7d", "Last 7 days"
    MONTH = "30d", "Last 30 days"

    @property
    def length(self) -> timedelta:
        return _LENGTHS[self]


_LENGTHS = {
    Range.QUARTER_HOUR: timedelta(minutes=15),
    Range.HOUR: timedelta(hours=1),
    Range.DAY: timedelta(days=1),
    Range.WEEK: timedelta(days=7),
    Range.MONTH: timedelta(days=30),
}


@dataclass(frozen=True, slots=True)
class Chip:
    """A filter that is on; ``url`` leads to the list without it."""

    label: str
    value: str
    url: str


class MomentField(forms.DateTimeField):
    """A local date and time, within the years that a database and every time zone can hold."""

    default_validators = [
        MinValueValidator(datetime(2000, 1, 1, tzinfo=UTC), "There are no calls so old."),
        MaxValueValidator(datetime(2200, 1, 1, tzinfo=UTC), "There are no calls so late."),
    ]
    widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")


class UserField(forms.CharField):
    """A user by e-mail address: a list of all to choose from would be as long as there are people."""

    def clean(self, value: Any) -> User | None:
        text = str(super().clean(value))
        if not text:
            return None
        user = User.objects.filter(email=text.lower()).first()
        if user is None:
            raise forms.ValidationError("Nobody has this e-mail address.")
        return user


class GenerationFilter(forms.Form):
    """Every field is optional, and all that are given must hold."""

    provider = forms.CharField(required=False, max_length=30)
    model = forms.CharField(required=False, max_length=200)
    status = forms.ChoiceField(required=False, choices=[("", "Any"), *Status.choices])
    user = UserField(required=False, max_length=254, widget=forms.TextInput(attrs={"placeholder": "e-mail address"}))
    range = forms.ChoiceField(required=False, label="Time", choices=[("", "Any"), *Range.choices])
    start = MomentField(required=False, label="From")
    end = MomentField(required=False, label="To")

    def __init__(self, data: QueryDict, *, user: User) -> None:
        super().__init__(data)
        self._query = data
        self._visible = Generation.objects.visible_to(user)
        if not user.is_administrator:
            del self.fields["user"]
        recent = Generation.objects.filter(pk__in=self._visible.values("pk")[:RECENT])
        names = list(recent.order_by().values_list("provider", "request_model").distinct())
        providers = sorted({provider for provider, _ in names} | {data.get("provider", "")} - {""})
        self.models = sorted({model for _, model in names})
        self.fields["provider"].widget = forms.Select(choices=[("", "Any"), *((name, name) for name in providers)])
        self.fields["model"].widget.attrs["list"] = "known-models"

    def generations(self) -> QuerySet[Generation]:
        """The calls that the user may see and wants to see; none while the form has errors."""
        if not self.is_valid():
            return self._visible.none()
        lookups = {
            "provider": self.cleaned_data["provider"],
            "request_model": self.cleaned_data["model"],
            "status": self.cleaned_data["status"],
            "user": self.cleaned_data.get("user"),
            "started_at__gte": self.cleaned_data["start"],
            "started_at__lt": self.cleaned_data["end"],
        }
        calls = self._visible.filter(**{name: value for name, value in lookups.items() if value})
        if self.cleaned_data["range"]:
            calls = calls.filter(started_at__gte=timezone.now() - Range(self.cleaned_data["range"]).length)
        return calls

    def chips(self) -> Iterator[Chip]:
        if not self.is_valid():
            return
        for name in self.fields:
            if value := self.cleaned_data[name]:
                yield Chip(str(self[name].label), self._shown(name, value), self._url({}, without=name))

    def _shown(self, name: str, value: Any) -> str:
        match name:
            case "status":
                return Status(value).label
            case "range":
                return Range(value).label
            case "start" | "end":
                return f"{timezone.localtime(value):%d %b %Y %H:%M}"
        return str(value)

    def url_from(self, **cursor: str) -> str:
        """``url_from(older=position)``: the list as filtered, from a position on; nothing for no position."""
        return self._url(cursor) if any(cursor.values()) else ""

    def _url(self, cursor: Mapping[str, str], *, without: str = "") -> str:
        query = self._query.copy()
        for name in ("older", "newer", without):
            query.pop(name, None)
        query.update(cursor)
        return f"?{query.urlencode()}"
