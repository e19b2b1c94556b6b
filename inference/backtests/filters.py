"""Narrowing down the list of backtests."""

from __future__ import annotations

from django import forms

from accounts.shared_filters import OwnerFilter
from inference.backtests.models import State
from listing.forms import PeriodFilter, SearchFilter


class BacktestFilter(OwnerFilter, SearchFilter, PeriodFilter):
    searched = ("title", "prompt_name", "model")
    time_column = "created_at"
    lookups = {"state": "state"}

    state = forms.ChoiceField(required=False, choices=[("", "Any"), *State.choices])
