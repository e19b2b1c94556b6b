"""What the pages of the playground take by HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError

from accounts.providers import provider_choices
from inference.chat.forms import MODEL_LIMIT, PREFIX, parameter_field, parameters_of
from inference.playground.models import MOST_REPETITIONS, Playground
from inference.playground.requests import PanelIncomplete, placeholder_messages
from prompts.drafts import Draft, DraftRefused, check
from prompts.pages.editor import PLACEHOLDER, Editor
from prompts.pages.forms import JsonField

if TYPE_CHECKING:
    from inference.playground.models import Panel

VALUE_PREFIX = "value-"
LONGEST_VALUE = 200_000


class PanelForm(forms.Form):
    """All of a panel but its messages, which ``Editor`` reads."""

    provider = forms.ChoiceField(required=False, choices=lambda: [("", ""), *provider_choices()])
    model = forms.CharField(required=False, max_length=MODEL_LIMIT)
    endpoint = forms.UUIDField(required=False)
    repetitions = forms.IntegerField(label="Answers per run", min_value=1, max_value=MOST_REPETITIONS)
    tools = JsonField(list, help_text="JSON: a list of functions in OpenAI's format.")
    response_schema = JsonField(dict, label="Response schema", help_text="A JSON schema that answers must match.")

    def __init__(self, data: Mapping[str, str] | None, *, panel: Panel) -> None:
        super().__init__(
            data,
            initial={name: getattr(panel, name) for name in ("repetitions", "tools", "response_schema")},
            prefix=None,
            auto_id=f"panel-{panel.pk}-%s",
        )
        sent = data or {}
        self._parameters = parameters_of(sent.get("provider", panel.provider), sent.get("model", panel.model))
        self.fields |= {PREFIX + parameter.name: parameter_field(parameter) for parameter in self._parameters}

    def apply(self, panel: Panel, editor: Editor) -> None:
        """Only for a valid form; adds errors, and changes nothing, where what is left is no draft."""
        cleaned = self.cleaned_data
        values = {parameter.name: cleaned[PREFIX + parameter.name] for parameter in self._parameters}
        # A placeholder is nothing before it has a name, which is about to be typed.
        body = [one.as_stored() for one in editor.messages if one.role != PLACEHOLDER or one.content.strip()]
        draft = Draft(
            body,
            panel.draft.variables,
            tuple(cleaned["tools"]),
            cleaned["response_schema"] or None,
            provider=cleaned["provider"],
            model=cleaned["model"],
            parameters={name: value for name, value in values.items() if value not in (None, "")},
        )
        try:
            check(draft)
        except DraftRefused as refused:
            for field, text in refused.errors:
                self.add_error(field if field in self.fields else None, text)
            return
        panel.take(draft)
        panel.token_id = cleaned["endpoint"]
        panel.repetitions = cleaned["repetitions"]


class ValuesForm(forms.Form):
    """The values of variables and placeholders that the panels use."""

    def __init__(
        self, data: Mapping[str, str] | None, *, playground: Playground, variables: list[str], placeholders: list[str]
    ) -> None:
        initial = {VALUE_PREFIX + name: value for name, value in playground.values.items()}
        super().__init__(data, initial=initial)
        for name in variables:
            self.fields[VALUE_PREFIX + name] = self._field(name, rows=2)
        for name in placeholders:
            field = self._field(name, rows=3, help_text='Messages as JSON: [{"role": "user", "content": "Hello"}]')
            field.validators.append(_check_messages(name))
            self.fields[VALUE_PREFIX + name] = field

    @staticmethod
    def _field(name: str, *, rows: int, help_text: str = "") -> forms.CharField:
        widget = forms.Textarea(attrs={"rows": rows, "spellcheck": "false", "autocomplete": "off"})
        return forms.CharField(
            label=name, required=False, strip=False, max_length=LONGEST_VALUE, widget=widget, help_text=help_text
        )

    def values(self) -> dict[str, str]:
        """Those that are valid, by variable."""
        return {
            name.removeprefix(VALUE_PREFIX): str(value).replace("\r\n", "\n")
            for name, value in self.cleaned_data.items()
        }


def _check_messages(name: str) -> Any:
    def check_messages(text: str) -> None:
        try:
            placeholder_messages(name, text)
        except PanelIncomplete as error:
            raise ValidationError(str(error)) from error

    return check_messages


class ExampleSetForm(forms.Form):
    name = forms.CharField(
        max_length=100, widget=forms.TextInput(attrs={"placeholder": "What it is an example of", "spellcheck": "false"})
    )


class RenameForm(forms.ModelForm[Playground]):
    class Meta:
        model = Playground
        fields = ("title",)
