"""What is searched for, and the filters that must hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.http import QueryDict
from django.utils import timezone

from accounts.models import User
from inference.search import query_text
from inference.search.models import Kind
from inference.search.query_text import QueryText
from inference.search.scopes import Filters
from listing.forms import Chip, PeriodFilter, UserField
from listing.pages import query_of
from telemetry.models import Generation, Score, Status

if TYPE_CHECKING:
    from uuid import UUID

_RECENT = 1000


class SearchForm(PeriodFilter):
    """``q`` may be anything, of any length: what cannot be searched for is left out."""

    time_column = "started_at"

    q = forms.CharField(required=False, label="Search", strip=True, widget=forms.TextInput({"type": "search"}))
    kind = forms.ChoiceField(required=False, label="Type", choices=[("", "Any"), *Kind.choices])
    provider = forms.CharField(required=False, max_length=30)
    model = forms.CharField(required=False, max_length=200)
    endpoint = forms.CharField(required=False, max_length=300)
    status = forms.ChoiceField(required=False, choices=[("", "Any"), *Status.choices])
    score = forms.TypedChoiceField(
        required=False, label="My rating", choices=[("", "Any"), *Score.Value.choices], coerce=int, empty_value=None
    )
    least_cost = forms.DecimalField(
        required=False, label="Cost from (USD)", min_value=0, max_digits=12, widget=forms.TextInput
    )
    most_cost = forms.DecimalField(
        required=False, label="Cost to (USD)", min_value=0, max_digits=12, widget=forms.TextInput
    )
    user = UserField()
    topic = forms.UUIDField(required=False, widget=forms.HiddenInput)

    def __init__(self, data: QueryDict, *, user: User) -> None:
        clean = data.copy()
        clean["q"] = query_text.read(data.get("q", "")).text
        super().__init__(clean)
        # As it was sent, for links.
        self._query = clean
        if not user.is_administrator:
            del self.fields["user"]
        names = set(Generation.objects.filter(user=user).values_list("provider", "request_model", "base_url")[:_RECENT])
        providers = sorted({provider for provider, _, _ in names} | {data.get("provider", "")[:30]} - {""})
        self.fields["provider"].widget = forms.Select(choices=[("", "Any"), *((name, name) for name in providers)])
        self.models = sorted({model for _, model, _ in names})
        self.endpoints = sorted({endpoint for _, _, endpoint in names} - {""})
        self.fields["model"].widget.attrs["list"] = "known-models"
        self.fields["endpoint"].widget.attrs["list"] = "known-endpoints"

    def filter_fields(self) -> list[forms.BoundField]:
        return [field for field in self if field.name not in ("q", "topic")]

    def filter_chips(self) -> list[Chip]:
        return [
            chip._replace(value="1 topic") if chip.label == "Topic" else chip
            for chip in self.chips()
            if chip.label != "Search"
        ]

    @property
    def query(self) -> str:
        return query_of(self._query)

    @property
    def text(self) -> QueryText:
        """Only for a valid form."""
        return query_text.read(self.cleaned_data["q"])

    @property
    def filters(self) -> Filters:
        """Only for a valid form."""
        start, end = self.bounds(timezone.now())
        names = ("kind", "provider", "model", "endpoint", "status", "score", "least_cost", "most_cost", "topic")
        given: dict[str, Any] = {name: self.cleaned_data[name] for name in names}
        return Filters(**given, start=start, end=end, user=self.cleaned_data.get("user"))

    def clean_user(self) -> User | None:
        audit_id: UUID | None = self.cleaned_data["user"]
        if audit_id is None:
            return None
        user = User.objects.filter(audit_id=audit_id).first()
        if user is None:
            raise forms.ValidationError("No user with this audit ID.")
        return user
