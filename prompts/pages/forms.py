"""Forms of the pages of prompts."""

from __future__ import annotations

import json
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from accounts.providers import provider_choices
from accounts.share_pages import ShareForm
from prompts import storable
from prompts.drafts import Draft
from prompts.models import LABEL_NAME, PromptType, PromptVersion
from prompts.rollout_rules import Guards
from prompts.storable import Unstorable

KINDS = {dict: "an object: {…}", list: "a list: […]"}
NUMBERS = ("temperature", "top_p", "max_tokens")


class JsonField(forms.CharField):
    """Text that cleans to JSON of one kind, empty where there is none; only to what PostgreSQL can store."""

    def __init__(self, kind: type[dict[str, Any]] | type[list[Any]], **options: Any) -> None:
        self._kind = kind
        widget = forms.Textarea(attrs={"rows": 8, "spellcheck": "false", "class": "mono"})
        super().__init__(required=False, widget=widget, **options)

    def clean(self, value: Any) -> Any:
        text = str(super().clean(value))
        if not text:
            return self._kind()
        try:
            found = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise ValidationError(f"This is not JSON: {error}.") from error
        if not isinstance(found, self._kind):
            raise ValidationError(f"Write {KINDS[self._kind]}.")
        try:
            storable.check(found)
        except Unstorable as error:
            raise ValidationError(str(error)) from error
        return found

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, str):
            return value
        return json.dumps(value, ensure_ascii=False, indent=2) if value else ""


class TagsField(forms.CharField):
    """Cleans to a list."""

    def __init__(self, **options: Any) -> None:
        super().__init__(required=False, max_length=2000, help_text="Separated by commas.", **options)

    def clean(self, value: Any) -> list[str]:
        return [tag.strip() for tag in str(super().clean(value)).split(",") if tag.strip()]

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(value) if isinstance(value, list) else value


def add_errors(form: forms.Form, error: ValidationError) -> None:
    """Of what the registry has refused, by field: at the field where the form has it, else above the form."""
    for name, texts in error.message_dict.items():
        form.add_error(name if name in form.fields else None, texts)


class DetailsForm(forms.Form):
    """What a prompt has that is no part of its versions."""

    description = forms.CharField(required=False, max_length=2000)
    tags = TagsField()


class PromptForm(DetailsForm):
    """A new prompt."""

    name = forms.CharField(
        max_length=200,
        help_text="Applications read it by this name. It cannot be changed. “/” makes folders.",
        widget=forms.TextInput(attrs={"spellcheck": "false", "autocapitalize": "none"}),
    )
    type = forms.ChoiceField(choices=PromptType, widget=forms.HiddenInput)

    field_order = ["name", "description", "tags", "type"]


class VersionForm(forms.Form):
    """What a version has beside its text and its variables."""

    message = forms.CharField(
        label="Commit message",
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 2, "placeholder": "What changed, and why"}),
    )
    provider = forms.ChoiceField(required=False, choices=lambda: [("", "Not set"), *provider_choices()])
    model = forms.CharField(required=False, max_length=200, widget=forms.TextInput(attrs={"spellcheck": "false"}))
    temperature = forms.FloatField(required=False, min_value=0, max_value=2)
    max_tokens = forms.IntegerField(required=False, min_value=1, max_value=10_000_000)
    top_p = forms.FloatField(label="Top P", required=False, min_value=0, max_value=1)
    parameters = JsonField(dict, label="Other parameters", help_text="JSON, such as {“seed”: 7}.")
    tools = JsonField(list, help_text="JSON: a list of functions in OpenAI's format.")
    response_schema = JsonField(dict, help_text="A JSON schema that answers must match.")
    config = JsonField(dict, help_text="JSON for the application, passed on unchanged.")

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if twice := [name for name in NUMBERS if name in cleaned.get("parameters", {})]:
            self.add_error("parameters", f"There is a field for {', '.join(twice)}.")
        return cleaned

    def values(self) -> dict[str, Any]:
        """By the names of the fields of a draft."""
        cleaned = self.cleaned_data
        numbers = {name: cleaned[name] for name in NUMBERS if cleaned[name] is not None}
        names = ("provider", "model", "tools", "config")
        return {
            **{name: cleaned[name] for name in names},
            "response_schema": cleaned["response_schema"] or None,
            "parameters": numbers | cleaned["parameters"],
        }


def initial_of(version: PromptVersion | Draft) -> dict[str, Any]:
    """Of a VersionForm."""
    names = ("provider", "model", "tools", "response_schema", "config")
    numbers = {name: value for name, value in version.parameters.items() if name in NUMBERS}
    others = {name: value for name, value in version.parameters.items() if name not in NUMBERS}
    return {**{name: getattr(version, name) for name in names}, **numbers, "parameters": others}


class RolloutForm(forms.Form):
    """What part of a label's callers is served a version, and what takes it back. A guard that is empty is none."""

    label = forms.CharField(max_length=50, widget=forms.HiddenInput)
    version = forms.IntegerField(min_value=1, max_value=2_147_483_647, widget=forms.HiddenInput)
    percent = forms.IntegerField(label="Share of users (%)", min_value=1, max_value=99, initial=10)
    min_calls = forms.IntegerField(label="Calls before a guard decides", min_value=1, max_value=1_000_000, initial=50)
    error_percent = forms.FloatField(
        label="Highest error rate (%)", required=False, min_value=0, max_value=100, initial=5
    )
    seconds_p95 = forms.FloatField(label="Highest p95 duration (s)", required=False, min_value=0, max_value=86_400)
    usd_per_call = forms.DecimalField(
        label="Highest cost per call (USD)", required=False, min_value=0, max_digits=12, decimal_places=6
    )
    reason = forms.CharField(max_length=500, required=False, help_text="Shown in the label history.")

    def guards(self) -> Guards:
        """Only of a valid form."""
        return Guards(
            *(self.cleaned_data[name] for name in ("min_calls", "error_percent", "seconds_p95", "usd_per_call"))
        )


class MoveForm(forms.Form):
    """A label, and the version that it is to name: none to remove it. ``seen_at``: where its user saw it stand."""

    label = forms.CharField(
        max_length=50,
        validators=[LABEL_NAME],
        widget=forms.TextInput(attrs={"list": "known-labels", "spellcheck": "false", "autocapitalize": "none"}),
    )
    version = forms.IntegerField(required=False, min_value=1, max_value=2_147_483_647, widget=forms.HiddenInput)
    seen_at = forms.IntegerField(required=False, min_value=0, max_value=2_147_483_647, widget=forms.HiddenInput)
    reason = forms.CharField(
        max_length=500, widget=forms.TextInput(attrs={"placeholder": "Shown in the label's history"})
    )


class DecisionForm(forms.Form):
    note = forms.CharField(required=False, max_length=500, label="Comment")


class PromptShareForm(ShareForm):
    readers_may_edit = forms.BooleanField(
        required=False, label="They may edit", help_text="They can save versions, move labels and archive it."
    )
