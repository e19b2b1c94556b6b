"""Forms of the profile page."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import cache
from typing import Any, cast
from zoneinfo import available_timezones

from django import forms
from django.db import models
from django.http import QueryDict
from django.utils import timezone
from django.utils.choices import flatten_choices

from accounts.models import EnterKey, Theme, TitleSource, User
from accounts.profile import scopes
from accounts.profile.scopes import ScopeRefused

# Left out are the old names and the fixed offsets, which know no summer time.
REGIONS = (
    "Africa", "America", "Antarctica", "Arctic", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific",
)  # fmt: skip
Choices = list[tuple[str, str | list[tuple[str, str]]]]
ModelLister = Callable[[User], dict[str, list[str]]]


def _no_models(user: User) -> dict[str, list[str]]:
    return {}


# Models by provider. Set as the server starts, by the app that calls them.
known_models: ModelLister = _no_models


class ProfileForm(forms.Form):
    name = forms.CharField(max_length=100, required=False, widget=forms.TextInput(attrs={"autocomplete": "name"}))
    time_zone = forms.ChoiceField(help_text="Used for all times.")
    theme = forms.ChoiceField(choices=Theme.choices)
    enter_key = forms.ChoiceField(
        choices=EnterKey.choices,
        required=False,
        label="Enter key in the chat",
        help_text="Shift+Enter always starts a new line, Ctrl+Enter always sends.",
    )
    title_source = forms.ChoiceField(
        choices=TitleSource.choices,
        required=False,
        label="Title conversations with",
        help_text="A title by the model is one more short call after the first answer, recorded and priced as such.",
    )
    default_model = forms.ChoiceField(
        required=False,
        label="Default model",
        help_text="Lists models you have used or recently loaded.",
    )

    def __init__(self, data: QueryDict | None, *, user: User) -> None:
        chosen = _joined(user.default_provider, user.default_model)
        initial = {name: getattr(user, name) for name in ("name", "time_zone", "theme", "enter_key", "title_source")}
        super().__init__(data, initial=initial | {"default_model": chosen})
        cast(forms.ChoiceField, self.fields["time_zone"]).choices = _with(_zones(), user.time_zone)
        cast(forms.ChoiceField, self.fields["default_model"]).choices = _with(_models(user), chosen)

    def clean_enter_key(self) -> str:
        return str(self.cleaned_data["enter_key"] or self.initial["enter_key"])

    def clean_title_source(self) -> str:
        return str(self.cleaned_data["title_source"] or self.initial["title_source"])

    def clean_default_model(self) -> tuple[str, str]:
        """Provider and model, both empty for none."""
        provider, _, model = str(self.cleaned_data["default_model"]).partition("/")
        return provider, model


class Expiry(models.TextChoices):
    MONTH = "30", "In 30 days"
    QUARTER = "90", "In 90 days"
    YEAR = "365", "In a year"
    NEVER = "", "Never"


class ApiKeyForm(forms.Form):
    label = forms.CharField(
        label="Name", max_length=80, widget=forms.TextInput(attrs={"autofocus": True, "autocomplete": "off"})
    )
    scopes = forms.MultipleChoiceField(
        label="Scopes",
        choices=list(scopes.TITLES.items()),
        initial=[scopes.READ_PROMPTS],
        widget=forms.CheckboxSelectMultiple,
        help_text="The key can never do more than you can.",
    )
    name_prefix = forms.CharField(
        label="Prompt name prefix",
        required=False,
        max_length=200,
        help_text="Limits the key to matching prompts, e.g. “support/”. Leave empty for all prompts.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    expires_at = forms.ChoiceField(label="Expires", required=False, choices=Expiry.choices, initial=Expiry.QUARTER)

    def clean_expires_at(self) -> datetime | None:
        days = self.cleaned_data["expires_at"]
        return timezone.now() + timedelta(days=int(days)) if days else None

    def clean(self) -> dict[str, Any]:
        """``scopes`` with the prefix in them."""
        cleaned = super().clean() or {}
        if prefix := cleaned.pop("name_prefix", ""):
            chosen = cleaned.get("scopes", [])
            cleaned["scopes"] = [f"{kind}:{prefix}" if kind in scopes.WITH_PREFIX else kind for kind in chosen]
            try:
                scopes.check(cleaned["scopes"])
            except ScopeRefused:
                self.add_error("name_prefix", "Enter a name prefix, such as “support/”.")
        return cleaned


@cache
def _zones() -> Choices:
    """UTC, then the cities by region."""
    cities = defaultdict(list)
    for zone in sorted(available_timezones()):
        region, _, city = zone.partition("/")
        if region in REGIONS:
            cities[region].append((zone, city.replace("_", " ").replace("/", ", ")))
    return [("UTC", "UTC"), *((region, cities[region]) for region in REGIONS)]


def _models(user: User) -> Choices:
    known = known_models(user).items()
    groups = [(provider, [(_joined(provider, model), model) for model in names]) for provider, names in known]
    return [("", "Last used"), *groups]


def _with(choices: Choices, value: str) -> Choices:
    """What is chosen stays to be chosen."""
    return choices if value in dict(flatten_choices(choices)) else [*choices, (value, value)]


def _joined(provider: str, model: str) -> str:
    return f"{provider}/{model}" if provider and model else ""
