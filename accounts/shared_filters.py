"""Filters of lists of what users own and share."""

from __future__ import annotations

from django import forms
from django.http import QueryDict

from accounts.models import User
from listing.forms import FilterForm, Rows

MINE, SHARED = "mine", "shared"


class OwnerFilter(FilterForm):
    """By whether it is one's own, or shared by somebody else."""

    owner = forms.ChoiceField(required=False, choices=[("", "Any"), (MINE, "Mine"), (SHARED, "Shared with me")])

    def __init__(self, data: QueryDict, *, user: User) -> None:
        super().__init__(data)
        self._user = user

    def apply(self, rows: Rows) -> Rows:
        rows = super().apply(rows)
        match self.cleaned_data["owner"]:
            case "mine":
                return rows.filter(owner=self._user)
            case "shared":
                return rows.exclude(owner=self._user)
            case _:
                return rows
