"""Narrowing down the list of calls."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django import forms
from django.db import connection
from django.db.models import F, OuterRef, Q, Subquery, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Coalesce
from django.db.models.lookups import Exact, GreaterThanOrEqual, LessThanOrEqual, Lookup
from django.http import QueryDict

from accounts.models import User
from accounts.providers import label_of
from listing.forms import FilterForm, PeriodFilter, Rows, UserField
from telemetry.dashboard.window import SCOPES, users_of
from telemetry.endpoints import OWN_ENDPOINT
from telemetry.explorer.columns import COLUMNS, sort_choices
from telemetry.models import UNPRICED, ContextMessage, Generation, GenerationContent, Score, Status
from telemetry.time_ranges import started_within

if TYPE_CHECKING:
    from django.db.models import QuerySet

# How many of the newest calls are looked through for names to offer.
RECENT = 1000
LONGEST = 86_400
# Filters that have an index of their own. Of those that succeeded there are so many that none is needed.
INDEXED = {"provider", "model", "status", "error", "prompt", "endpoint", "key"}
ANY_RATING = {"good": Score.Value.GOOD, "bad": Score.Value.BAD}
_TOKENS = ("input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens", "reasoning_tokens")


def _number(label: str, **limits: Any) -> forms.DecimalField:
    widget = forms.NumberInput(attrs={"step": "any", "min": 0})
    return forms.DecimalField(required=False, label=label, min_value=0, widget=widget, **limits)


class CallFilter(PeriodFilter):
    """Which calls, in which order, with which columns. ``indexed`` are the filters that an index serves."""

    time_column = "started_at"
    more = (
        *("version", "whose", "error", "tag", "rating", "endpoint", "key", "price", "end_user", "session"),
        *("min_seconds", "max_seconds", "min_cost", "max_cost", "min_tokens", "max_tokens"),
    )
    layout = ("sort", "col")
    lookups = {
        "provider": "provider",
        "status": "status",
        "prompt": "prompt_name",
        "version": "prompt_version",
        "error": "error_type",
        "key": "token_id",
        "end_user": "end_user",
        "session": "session_id",
        "min_cost": "cost_usd__gte",
        "max_cost": "cost_usd__lte",
    }

    q = forms.CharField(
        required=False,
        max_length=200,
        label="Words in input or output",
        widget=forms.TextInput({"type": "search", "placeholder": "Words in input or output"}),
    )
    provider = forms.CharField(required=False, max_length=30)
    model = forms.CharField(
        required=False,
        max_length=200,
        widget=forms.TextInput(attrs={"list": "known-models", "placeholder": "gpt-5, or gpt-5* for all that begin so"}),
    )
    status = forms.ChoiceField(required=False, choices=[("", "Any"), *Status.choices])
    user = UserField()
    prompt = forms.CharField(required=False, max_length=200)
    version = forms.IntegerField(
        required=False, label="Prompt version", min_value=1, max_value=2**31 - 1, widget=forms.TextInput
    )
    whose = forms.ChoiceField(required=False, label="Whose calls", choices=[("", "Any"), *SCOPES.items()])
    error = forms.CharField(required=False, max_length=40, label="Error type")
    tag = forms.CharField(required=False, max_length=100)
    rating = forms.ChoiceField(required=False, choices=[("", "Any"), ("good", "Good"), ("bad", "Bad")])
    endpoint = forms.CharField(
        required=False, max_length=300, label="Base URL", widget=forms.TextInput({"placeholder": "or default"})
    )
    key = forms.UUIDField(required=False, label="Key ID")
    price = forms.ChoiceField(required=False, choices=[("", "Any"), ("unpriced", "Unpriced")])
    end_user = forms.CharField(required=False, max_length=200, label="End user")
    session = forms.CharField(required=False, max_length=200)
    min_seconds = _number("Min. duration, s", max_value=LONGEST, decimal_places=6)
    max_seconds = _number("Max. duration, s", max_value=LONGEST, decimal_places=6)
    min_cost = _number("Min. cost, USD", max_value=10**9, decimal_places=12)
    max_cost = _number("Max. cost, USD", max_value=10**9, decimal_places=12)
    min_tokens = _number("Min. tokens", max_value=2**31 - 1, decimal_places=0)
    max_tokens = _number("Max. tokens", max_value=2**31 - 1, decimal_places=0)
    sort = forms.ChoiceField(required=False, choices=sort_choices, widget=forms.Select(attrs={"aria-label": "Sort"}))
    col = forms.MultipleChoiceField(required=False, choices=[(key, column.label) for key, column in COLUMNS.items()])

    def __init__(self, data: QueryDict, *, user: User, offers_names: bool = False) -> None:
        """``offers_names``: for a page that shows the filters. The names come from the newest calls."""
        super().__init__(data)
        self._user = user
        if not user.is_administrator:
            del self.fields["user"], self.fields["whose"]
        if offers_names:
            self._offer_names()

    def _offer_names(self) -> None:
        data = self.data
        providers, models, errors = _names(self._user)
        self.models = sorted(models)
        self._offer("provider", {name: label_of(name) for name in {*providers, data.get("provider", "")} - {""}})
        self._offer("error", {name: _words(name) for name in {*errors, data.get("error", "")} - {""}})

    def _offer(self, name: str, labels: dict[str, str]) -> None:
        choices = sorted(labels.items(), key=lambda choice: choice[1])
        self.fields[name].widget = forms.Select(choices=[("", "Any"), *choices])

    @property
    def sort_value(self) -> str:
        return str(self.cleaned_data["sort"]) if self.is_valid() else ""

    @property
    def columns(self) -> list[str]:
        """The keys of those that are chosen; none for the usual ones."""
        return list(self.cleaned_data["col"]) if self.is_valid() else []

    def indexed(self, rows: Rows) -> Rows:
        """The rows that the filters leave which an index serves in the order of time. Only for a valid form."""
        rows = self.in_period(rows)
        if self.cleaned_data["q"]:
            # What others have said is read on the page of a call, where that is recorded.
            rows = rows.filter(user=self._user)
        if (user := self.cleaned_data.get("user")) is not None:
            rows = rows.filter(user=user)
        return rows

    @property
    def needs_scan(self) -> bool:
        """Whether calls have to be looked at one by one. Only for a valid form."""
        served = {*PeriodFilter.base_fields, *self.layout}
        given = {name: value for name, value in self.cleaned_data.items() if value not in (None, "", [])}
        asked = given.keys() - served
        if asked <= {"user"}:
            return False
        # An index has the calls of everyone by one value; of two, or of one user's, either may have to be gone through.
        return not (self._user.is_administrator and len(asked) == 1 and self._has_index(*asked))

    def _has_index(self, name: str) -> bool:
        value = self.cleaned_data[name]
        return name in INDEXED and not (name == "model" and value.endswith("*")) and value != OWN_ENDPOINT

    def apply(self, rows: Rows) -> Rows:
        rows = FilterForm.apply(self, self.indexed(rows)).filter(*self._conditions())
        for word in self.cleaned_data["q"].split():
            rows = rows.filter(_said(word, self._user))
        return rows

    def _conditions(self) -> Iterable[Q | Lookup[Any]]:
        given = self.cleaned_data
        if model := given["model"]:
            yield Q(request_model__startswith=model[:-1]) if model.endswith("*") else Q(request_model=model)
        if endpoint := given["endpoint"]:
            yield Q(base_url="" if endpoint == OWN_ENDPOINT else endpoint)
        if given["tag"]:
            yield Q(tags__contains=[given["tag"]])
        if given["price"]:
            yield UNPRICED
        if given["rating"]:
            yield _has(Score.objects.filter(call_id=OuterRef("pk"), value=ANY_RATING[given["rating"]]))
        if (users := self._scope()) is not None:
            yield Q(user__in=users.values("pk"))
        yield from self._bounds()

    def _bounds(self) -> Iterable[Lookup[Any]]:
        given = self.cleaned_data
        for side, compared in (("min", GreaterThanOrEqual), ("max", LessThanOrEqual)):
            if (duration := given[f"{side}_seconds"]) is not None:
                yield compared(F("ended_at") - F("started_at"), timedelta(seconds=float(duration)))
            if (count := given[f"{side}_tokens"]) is not None:
                yield compared(_all_tokens(), int(count))

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


def _all_tokens() -> Combinable:
    first, *others = _TOKENS
    total: Combinable = F(first)
    for name in others:
        total = total + Coalesce(F(name), Value(0))
    return total


def _said(word: str, user: User) -> Lookup[Any]:
    """In the last message that was sent, or in what was answered."""
    asked = ContextMessage.objects.filter(
        user=user, period=OuterRef("period"), digest=OuterRef("head"), text__icontains=word
    )
    contents = GenerationContent.objects.filter(generation=OuterRef("pk"))
    return _has(contents.filter(Q(response_text__icontains=word) | _has(asked)))


def _has(rows: QuerySet[Any]) -> Lookup[Any]:
    """That there is one, looked up call by call. For EXISTS, PostgreSQL may read all rows of the table first."""
    return Exact(Subquery(rows.order_by().values(one=Value(1))[:1]), 1)


def _words(name: str) -> str:
    return name.replace("_", " ").capitalize()


def _names(user: User) -> tuple[set[str], set[str], set[str]]:
    """Providers, models and error types of the newest calls that the user may see."""
    recent = Generation.objects.visible_to(user).order_by("-started_at", "-id")
    names = recent.values_list("provider", "request_model", "error_type")[:RECENT]
    statement, parameters = names.query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT DISTINCT * FROM ({statement}) AS recent", parameters)  # noqa: S608
        found = cursor.fetchall()
    providers, models, errors = (set(column) - {""} for column in zip(*found, strict=True)) if found else (set(),) * 3
    return providers, models, errors
