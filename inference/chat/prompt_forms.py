"""What is asked for when a prompt is inserted into a chat, and the search for one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import reduce
from operator import or_
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet

from accounts.models import User
from inference.chat.forms import TEXT_LIMIT
from inference.chat.prompt_insert import PromptFilling
from prompts.drafts import Variable
from prompts.models import Label, Prompt, PromptVersion

PREFIX = "var-"
MOST_LISTED = 50
NUMBER = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)(e[-+]?\d+)?", re.ASCII | re.IGNORECASE)
SEARCHED = ("name", "description", "tags")


class PromptSearch(forms.Form):
    """Current prompts that the user may read and that hold each word in name, description or tags."""

    q = forms.CharField(required=False, max_length=200)

    def found(self, user: User) -> QuerySet[Prompt]:
        versions = PromptVersion.objects.filter(prompt=OuterRef("pk"))
        rows = Prompt.objects.visible_to(user).current().filter(Exists(versions))
        for word in self.cleaned_data["q"].split() if self.is_valid() else ():
            rows = rows.filter(reduce(or_, (Q((f"{column}__icontains", word)) for column in SEARCHED)))
        labels = Label.objects.select_related("version").only("prompt_id", "name", "version__number")
        newest = PromptVersion.objects.only("prompt_id", "number").order_by("-number")[:1]
        listed = (Prefetch("versions", newest, to_attr="newest"), Prefetch("labels", labels))
        return rows.order_by("name").prefetch_related(*listed)


class InsertForm(forms.Form):
    """The variables of a version: each is required unless it has a default, which is used where nothing is written."""

    use_model = forms.BooleanField(required=False)

    def __init__(self, data: Mapping[str, str] | None, *, filling: PromptFilling, initial: Mapping[str, str]) -> None:
        kept = {name: value for name, value in initial.items() if name.startswith(PREFIX) and value}
        super().__init__(data, initial=kept)
        self._variables = filling.variables
        self.fields |= {PREFIX + row.name: _field(row) for row in self._variables}
        offer = filling.model
        if offer is None:
            del self.fields["use_model"]
            return
        self.fields["use_model"].label = f"Use its model, {offer.label}"
        self.fields["use_model"].initial = not offer.reason
        self.fields["use_model"].disabled = bool(offer.reason)
        self.fields["use_model"].help_text = offer.reason or _said_of_parameters(offer.parameters)

    def values(self) -> dict[str, str]:
        """By variable. Only for a valid form."""
        return {row.name: self.cleaned_data[PREFIX + row.name] or row.default for row in self._variables}


class _NumberField(forms.CharField):
    """Keeps the number as it is written."""

    widget = forms.TextInput(attrs={"inputmode": "decimal"})

    def clean(self, value: Any) -> str:
        text = str(super().clean(value)).strip()
        if text and not NUMBER.fullmatch(text):
            raise ValidationError("Enter a number, such as 2.5.")
        return text


def _field(row: Variable) -> forms.Field:
    is_required = not row.default
    if row.type == "choice":
        known = [(choice, choice) for choice in row.choices]
        empty = [("", f"Default: {row.default}" if row.default else "Choose…")]
        return forms.ChoiceField(label=row.name, required=is_required, choices=[*empty, *known])
    kind = _NumberField if row.type == "number" else forms.CharField
    field = kind(label=row.name, required=is_required, max_length=TEXT_LIMIT, strip=False)
    if row.type == "long_text":
        field.widget = forms.Textarea(attrs={"rows": 4})
    example = f"Example: {row.sample}" if row.sample else ""
    field.widget.attrs |= {"placeholder": row.default or example, "autocomplete": "off"}
    return field


def _said_of_parameters(parameters: Mapping[str, Any]) -> str:
    return "With " + ", ".join(f"{name} {value}" for name, value in parameters.items()) if parameters else ""
