"""Narrowing down the list of calls."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from django import forms
from django.http import QueryDict

from accounts.models import User
from listing.forms import PeriodFilter, Rows, UserField
from telemetry.dashboard.window import SCOPES, users_of
from telemetry.models import UNPRICED, Generation, Score, Status
from telemetry.time_ranges import started_within

if TYPE_CHECKING:
    from django.db.models import QuerySet

# How many of the newest calls are looked through for names to offer.
RECENT = 1000


class RatingForm(forms.Form):
    """``value`` empty takes the rating back."""

    value = forms.TypedChoiceField(
        required=False,
        choices=[("", "None"), *Score.Value.choices],
        coerce=lambda value: Score.Value(int(value)),
        empty_value=None,
    )
    note = forms.CharField(required=False, max_length=2000)


class GenerationFilter(PeriodFilter):
    time_column = "started_at"
    lookups = {
        "provider": "provider",
        "model": "request_model",
        "status": "status",
        "prompt": "prompt_name",
        "version": "prompt_version",
        "user": "user",
        "key": "token_id",
    }

    provider = forms.CharField(required=False, max_length=30)
    model = forms.CharField(required=False, max_length=200)
    status = forms.ChoiceField(required=False, choices=[("", "Any"), *Status.choices])
    prompt = forms.CharField(required=False, max_length=200)
    version = forms.IntegerField(
        required=False, label="Prompt version", min_value=1, max_value=2**31 - 1, widget=forms.TextInput
    )
    user = UserField()
    whose = forms.ChoiceField(required=False, label="Whose calls", choices=[("", "Any"), *SCOPES.items()])
    key = forms.UUIDField(required=False, label="Key ID")
    price = forms.ChoiceField(required=False, choices=[("", "Any"), ("unpriced", "Unpriced")])

    def __init__(self, data: QueryDict, *, user: User) -> None:
        super().__init__(data)
        self._user = user
        if not user.is_administrator:
            del self.fields["user"], self.fields["whose"]
        names = set(Generation.objects.visible_to(user).values_list("provider", "request_model")[:RECENT])
        providers = sorted({provider for provider, _ in names} | {data.get("provider", "")} - {""})
        self.models = sorted({model for _, model in names})
        self.fields["provider"].widget = forms.Select(choices=[("", "Any"), *((name, name) for name in providers)])
        self.fields["model"].widget.attrs["list"] = "known-models"

    def apply(self, rows: Rows) -> Rows:
        rows = super().apply(rows)
        if (users := self._scope()) is not None:
            rows = rows.filter(user__in=users.values("pk"))
        return rows.filter(UNPRICED) if self.cleaned_data["price"] else rows

    def users(self) -> QuerySet[User, Any] | None:
        """Those whose calls are asked for; None for all that may be seen."""
        named, scope = self.cleaned_data.get("user"), self._scope()
        if named is None:
            return scope
        return (User.objects if scope is None else scope).filter(pk__in=named)

    def _scope(self) -> QuerySet[User, Any] | None:
        scope = self.cleaned_data.get("whose")
        return users_of(scope, self._user) if scope and scope != "everyone" else None

    def within(self, rows: Rows, start: datetime | None, end: datetime | None) -> Rows:
        return rows.filter(started_within(start, end))

    def clean_user(self) -> QuerySet[User, Any] | None:
        """As a query that yields one key, so that the index of a user's calls is read in its order."""
        audit_id = self.cleaned_data["user"]
        return User.objects.filter(audit_id=audit_id).values("pk")[:1] if audit_id else None
