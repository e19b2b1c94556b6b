"""Forms of the pages of webhooks."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError

from accounts.models import User
from prompts.models import LABEL_NAME
from tokens.base_urls import BaseUrlRefused, clean_url

MOST_LABELS = 20
REMEDY = "To allow this host, an administrator must add it to AISTRALE_WEBHOOK_HOSTS."


class UrlField(forms.CharField):
    def clean(self, value: Any) -> str:
        text = str(super().clean(value))
        try:
            if "#" in text:
                raise BaseUrlRefused("The URL must not contain a fragment (#).")
            return clean_url(text, trusted_hosts=settings.WEBHOOK_HOSTS, remedy=REMEDY)
        except BaseUrlRefused as error:
            raise ValidationError(str(error)) from error


class LabelsField(forms.CharField):
    """Cleans to a list."""

    def clean(self, value: Any) -> list[str]:
        names = [name.strip() for name in str(super().clean(value)).split(",") if name.strip()]
        for name in names:
            LABEL_NAME(name)
        if len(names) > MOST_LABELS:
            raise ValidationError(f"Name up to {MOST_LABELS} labels, or leave the field empty for all.")
        return list(dict.fromkeys(names))

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(value) if isinstance(value, list) else value


class WebhookForm(forms.Form):
    name = forms.CharField(max_length=80, widget=forms.TextInput(attrs={"autocomplete": "off"}))
    url = UrlField(
        label="URL",
        max_length=500,
        help_text="Gets a POST request with JSON. Must be https and on the public internet.",
        widget=forms.TextInput(attrs={"inputmode": "url", "spellcheck": "false", "autocomplete": "off"}),
    )
    name_prefix = forms.CharField(
        label="Prompt name prefix",
        required=False,
        max_length=200,
        help_text="e.g. “support/”. Leave empty for all prompts that you can read.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    labels = LabelsField(
        label="Labels",
        required=False,
        max_length=1100,
        help_text="e.g. “production, staging”. Leave empty for all labels.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    on_moves = forms.BooleanField(label="Label moves", required=False, initial=True)
    on_budgets = forms.BooleanField(
        label="Budget alerts", required=False, help_text="At 50, 80 and 100% of a monthly budget."
    )
    is_active = forms.BooleanField(label="Active", required=False, initial=True)

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        """Only administrators see budgets: a webhook of anybody else is for moves of labels."""
        super().__init__(*args, **kwargs)
        if not user.is_administrator:
            del self.fields["on_moves"], self.fields["on_budgets"]
