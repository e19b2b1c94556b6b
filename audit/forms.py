"""Narrowing down the list of entries."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol, cast
from uuid import UUID

from django import forms
from django.contrib.auth import get_user_model
from django.core.validators import MaxValueValidator, MinValueValidator
from django.http import QueryDict
from django.utils import timezone

from audit.actions import Outcome, actions
from audit.models import AuditEventQuerySet


class _Person(Protocol):
    audit_id: UUID


@dataclass(frozen=True, slots=True)
class Chip:
    """A filter that is on; ``url`` leads to the list without it."""

    label: str
    value: str
    url: str


class PersonField(forms.CharField):
    """A person by e-mail address or pseudonym; cleans to the pseudonym."""

    def clean(self, value: Any) -> UUID | None:
        text = str(super().clean(value))
        if not text:
            return None
        try:
            return UUID(text)
        except ValueError:
            user = get_user_model()._default_manager.filter(email__iexact=text).first()
        if user is None:
            raise forms.ValidationError("Nobody has this e-mail address. An erased person is found by pseudonym.")
        return cast(_Person, user).audit_id


class MomentField(forms.DateTimeField):
    """A local date and time, within the years that a database and every time zone can hold."""

    default_validators = [
        MinValueValidator(datetime(2000, 1, 1, tzinfo=UTC), "There are no entries so old."),
        MaxValueValidator(datetime(2200, 1, 1, tzinfo=UTC), "There are no entries so late."),
    ]
    widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")


def _action_choices() -> list[tuple[str, str]]:
    return [("", "Anything"), *((action.value, action.value) for action in actions())]


class EventFilter(forms.Form):
    """Every field is optional, and all that are given must hold."""

    actor = PersonField(required=False, max_length=254, label="Who")
    action = forms.ChoiceField(required=False, label="What", choices=_action_choices)
    outcome = forms.ChoiceField(
        required=False, choices=[("", "Any"), *((outcome.value, outcome.value.title()) for outcome in Outcome)]
    )
    target = forms.RegexField(
        r"^[a-z_]+\.[a-z_]+(:.+)?$",
        required=False,
        max_length=200,
        label="Object",
        widget=forms.TextInput(attrs={"placeholder": "type, or type:id"}),
        error_messages={"invalid": "Write a type such as tokens.apitoken, or a type and an id: tokens.apitoken:12."},
    )
    start = MomentField(required=False, label="From")
    end = MomentField(required=False, label="To")

    def __init__(self, data: QueryDict, *, visible: AuditEventQuerySet) -> None:
        super().__init__(data)
        self._query = data
        self._visible = visible

    def events(self) -> AuditEventQuerySet:
        """The visible entries that are asked for; none while the form has errors."""
        if not self.is_valid():
            return self._visible.none()
        target_type, _, target_id = self.cleaned_data["target"].partition(":")
        lookups = {
            "actor": self.cleaned_data["actor"],
            "action": self.cleaned_data["action"],
            "outcome": self.cleaned_data["outcome"],
            "target_type": target_type,
            "target_id": target_id,
            "timestamp__gte": self.cleaned_data["start"],
            "timestamp__lt": self.cleaned_data["end"],
        }
        return self._visible.filter(**{name: value for name, value in lookups.items() if value})

    def chips(self) -> Iterator[Chip]:
        if not self.is_valid():
            return
        for name in self.fields:
            if self.cleaned_data[name]:
                yield Chip(str(self[name].label), self._shown(name), self._url(without=name))

    def _shown(self, name: str) -> str:
        value = self.cleaned_data[name]
        return f"{timezone.localtime(value):%d %b %Y %H:%M}" if isinstance(value, datetime) else str(self[name].value())

    @property
    def query(self) -> str:
        """The filters as a query string, without the position in the list."""
        return self._url()[1:]

    def url_from(self, **position: int | None) -> str:
        """``url_from(older=7)``: the list as filtered, from an entry on; nothing for no entry."""
        given = {name: str(sequence) for name, sequence in position.items() if sequence is not None}
        return self._url(**given) if given else ""

    def _url(self, *, without: str = "", **position: str) -> str:
        query = self._query.copy()
        for name in ("older", "newer", without):
            query.pop(name, None)
        query.update(position)
        return f"?{query.urlencode()}"
