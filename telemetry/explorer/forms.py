"""Forms of saved views."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from django import forms
from django.http import QueryDict

from accounts.sharing import AudienceField, audiences_for
from listing.pages import query_of
from telemetry.explorer.models import SavedView

if TYPE_CHECKING:
    from accounts.models import User

SHARED = "They can see its name and filters. Users see their own calls in it, administrators all calls."
LONGEST_QUERY = 4000


class NameForm(forms.ModelForm[SavedView]):
    """``instance`` has its owner, so that a name that they have already is refused."""

    class Meta:
        model = SavedView
        fields: ClassVar[list[str]] = ["name"]
        widgets: ClassVar[Mapping[str, forms.Widget]] = {
            "name": forms.TextInput(attrs={"autocomplete": "off", "autofocus": True})
        }

    def clean_name(self) -> str:
        name = str(self.cleaned_data["name"])
        others = SavedView.objects.filter(owner=self.instance.owner, name=name).exclude(pk=self.instance.pk)
        if others.exists():
            raise forms.ValidationError("You already have a view with this name.")
        return name


class SaveForm(NameForm):
    """``query`` is that of the list as it is shown."""

    query = forms.CharField(required=False, max_length=LONGEST_QUERY, widget=forms.HiddenInput)

    def __init__(self, data: Mapping[str, str] | None, *, owner: User, query: str = "") -> None:
        super().__init__(data, instance=SavedView(owner=owner), initial={"query": query})
        self.fields["audience"] = AudienceField(audiences_for(owner, everyone=True), required=False, help_text=SHARED)

    def clean_query(self) -> str:
        return query_of(QueryDict(self.cleaned_data["query"].removeprefix("?")))
