"""What the chat pages take by HTTP."""

from __future__ import annotations

from collections.abc import Mapping

from django import forms

from accounts.sharing import AudienceField, audiences_for, with_current
from inference.conversations.services import PAGE, Filters
from inference.models import Conversation


class RenameForm(forms.ModelForm[Conversation]):
    class Meta:
        model = Conversation
        fields = ("title",)


class ShareForm(forms.Form):
    def __init__(self, data: Mapping[str, str] | None, *, conversation: Conversation) -> None:
        super().__init__(data, initial={"audience": conversation.audience.key})
        offered = audiences_for(conversation.owner, everyone=True)
        self.fields["audience"] = AudienceField(
            with_current(offered, conversation.audience),
            help_text="They can read all messages and branches, including future ones, and their cost. "
            "Only you can write.",
        )


class _FiltersForm(forms.Form):
    q = forms.CharField(required=False, max_length=200)
    archived = forms.BooleanField(required=False)
    shared = forms.BooleanField(required=False)
    shown = forms.IntegerField(required=False, min_value=PAGE, max_value=10_000)


def filters_from(data: Mapping[str, str]) -> Filters:
    """What a URL says of the list of conversations; anything impossible in it counts as not said."""
    form = _FiltersForm(data)
    form.is_valid()
    cleaned = form.cleaned_data
    return Filters(
        query=cleaned.get("q", ""),
        archived=cleaned.get("archived", False),
        shared=cleaned.get("shared", False),
        shown=cleaned.get("shown") or PAGE,
    )


def id_from(wanted: str) -> int | None:
    """The id of a message as a URL or a form names it; None for anything else."""
    return int(wanted) if wanted.isdecimal() and len(wanted) < 19 else None
