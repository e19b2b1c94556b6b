"""Narrowing down the list of entries."""

from __future__ import annotations

from django import forms

from audit.actions import Outcome, actions
from listing.forms import PeriodFilter, Rows, UserField


def _action_choices() -> list[tuple[str, str]]:
    return [("", "Any"), *((action.value, action.value) for action in actions())]


class EventFilter(PeriodFilter):
    time_column = "timestamp"
    lookups = {"actor": "actor", "action": "action", "outcome": "outcome"}

    actor = UserField(label="Who")
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

    def apply(self, rows: Rows) -> Rows:
        target_type, _, target_id = self.cleaned_data["target"].partition(":")
        about = {"target_type": target_type, "target_id": target_id}
        return super().apply(rows).filter(**{name: value for name, value in about.items() if value})
