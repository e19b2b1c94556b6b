"""Narrowing down the list of playgrounds."""

from __future__ import annotations

from django import forms
from django.db.models import Exists, OuterRef

from accounts.shared_filters import OwnerFilter
from inference.playground.models import Panel
from listing.forms import PeriodFilter, Rows, SearchFilter


class PlaygroundFilter(OwnerFilter, SearchFilter, PeriodFilter):
    searched = ("title",)
    time_column = "updated_at"

    model = forms.CharField(required=False, max_length=200)
    prompt = forms.CharField(required=False, max_length=200)

    def apply(self, rows: Rows) -> Rows:
        rows = super().apply(rows)
        panels = Panel.objects.filter(playground=OuterRef("pk"))
        for name, column in (("model", "model"), ("prompt", "prompt_name")):
            if value := self.cleaned_data[name]:
                rows = rows.filter(Exists(panels.filter(**{f"{column}__icontains": value})))
        return rows
