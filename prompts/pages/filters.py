"""Narrowing down the list of prompts and the history of labels."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, cast

from django import forms
from django.db.models import Func, Q, TextField
from django.http import QueryDict

from listing.forms import FilterForm, MomentField, Rows, SearchFilter
from prompts.models import Label, LabelMove, Prompt

if TYPE_CHECKING:
    from accounts.models import User

SHOWN = [("", "Current"), ("archived", "Archived"), ("all", "All")]


class PromptFilter(SearchFilter):
    """Prompts that the user may see. Archived ones are listed only when they are asked for."""

    searched = ("name", "description", "newest_text")

    folder = forms.ChoiceField(required=False)
    tag = forms.ChoiceField(required=False)
    label = forms.ChoiceField(required=False)
    state = forms.ChoiceField(required=False, choices=SHOWN)

    def __init__(self, data: QueryDict, *, user: User) -> None:
        super().__init__(data)
        visible = Prompt.objects.visible_to(user)
        tags = Func("tags", function="unnest", output_field=TextField())
        labels = Label.objects.filter(prompt__in=visible.order_by()).order_by()
        known: dict[str, Iterable[str]] = {
            "folder": visible.folders(),
            "tag": visible.order_by().values_list(tags, flat=True).distinct(),
            "label": labels.values_list("name", flat=True).distinct(),
        }
        for name, values in known.items():
            choices = [("", "Any"), *((value, value) for value in sorted(values))]
            cast(forms.ChoiceField, self.fields[name]).choices = choices
        self.fields["q"].widget.attrs["placeholder"] = "Names, text, variables"

    def apply(self, rows: Rows) -> Rows:
        folder, tag, label, state = (self.cleaned_data[name] for name in ("folder", "tag", "label", "state"))
        wanted = Q() if state == "all" else Q(is_archived=state == "archived")
        if folder:
            wanted &= Q(name__startswith=f"{folder}/")
        if tag:
            wanted &= Q(tags__contains=[tag])
        if label:
            wanted &= Q(labels__name=label)
        return super().apply(rows.filter(wanted))


class HistoryFilter(FilterForm):
    """Moves of one label, or of all, until a moment."""

    lookups = {"label": "label", "at": "at__lte"}

    label = forms.ChoiceField(required=False)
    at = MomentField(required=False, label="As of")

    def __init__(self, data: QueryDict, *, prompt: Prompt) -> None:
        super().__init__(data)
        names = LabelMove.objects.filter(prompt=prompt).order_by("label").values_list("label", flat=True).distinct()
        choices = [("", "All"), *((name, name) for name in names)]
        cast(forms.ChoiceField, self.fields["label"]).choices = choices

    @property
    def moment(self) -> datetime | None:
        return self.cleaned_data.get("at") if self.is_valid() else None

    @property
    def wanted_label(self) -> str:
        """'' for all."""
        return str(self.cleaned_data["label"]) if self.is_valid() else ""
