"""A price, and when a model retires."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from django import forms
from django.utils import timezone

from accounts.providers import provider_choices
from listing.forms import MomentField
from telemetry.prices.models import PriceOverride
from telemetry.prices.services import PRICES

_LABELS = ("Input", "Cache read", "Cache write", "Output")
LARGEST = Decimal(999_999)


class PriceForm(forms.Form):
    """USD per million tokens. Of a price that there is already, provider and model stay."""

    provider = forms.ChoiceField(choices=provider_choices)
    model = forms.CharField(max_length=200, label="Model ID", help_text="Exactly as it appears in calls.")
    valid_from = MomentField(required=False, label="Valid from", help_text="Leave empty for the current time.")

    def __init__(self, *args: Any, price: PriceOverride | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if price:
            del self.fields["provider"], self.fields["model"]
        for name, label in zip(PRICES, _LABELS, strict=True):
            help_text = "Reasoning included. USD per 1M tokens." if name == "output_price" else "USD per 1M tokens."
            self.fields[name] = forms.DecimalField(
                label=label, min_value=0, max_value=LARGEST, max_digits=12, decimal_places=6, help_text=help_text
            )

    @property
    def moment(self) -> datetime:
        return self.cleaned_data["valid_from"] or timezone.now()

    @property
    def prices(self) -> dict[str, Decimal]:
        return {name: self.cleaned_data[name] for name in PRICES}


class RetirementForm(forms.Form):
    provider = forms.ChoiceField(choices=provider_choices)
    model = forms.CharField(max_length=200, label="Model ID", help_text="Exactly as it appears in calls.")
    retires_on = forms.DateField(
        required=False,
        label="Retires on",
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text="Empty: no entry for this model.",
    )
    replacement = forms.CharField(required=False, max_length=200, help_text="ID of the replacement model.")
