"""Forms of what is said of one call."""

from __future__ import annotations

from django import forms

from telemetry.models import Score


class RatingForm(forms.Form):
    """``value`` empty takes the rating back."""

    value = forms.TypedChoiceField(
        required=False,
        choices=[("", "None"), *Score.Value.choices],
        coerce=lambda value: Score.Value(int(value)),
        empty_value=None,
    )
    note = forms.CharField(required=False, max_length=2000)
