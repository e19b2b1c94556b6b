"""Parameter presets: values that a user saves under a name, and chooses again in the chat and the playground."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django import forms
from django.db import transaction

from audit.services import record
from inference.actions import InferenceAction
from inference.chat.forms import MODEL_LIMIT, PREFIX, parameter_field, parameters_of
from inference.models import ParameterPreset

if TYPE_CHECKING:
    from accounts.models import User

MOST_PRESETS = 50


class PresetForm(forms.Form):
    """A name, and those parameters of a model that are set."""

    name = forms.CharField(max_length=ParameterPreset.LONGEST_NAME, error_messages={"required": "Enter a name."})
    provider = forms.CharField(required=False, max_length=MODEL_LIMIT)
    model = forms.CharField(required=False, max_length=MODEL_LIMIT)

    def __init__(self, data: Mapping[str, str], *, owner: User) -> None:
        super().__init__(data)
        self._owner = owner
        self._parameters = parameters_of(data.get("provider", ""), data.get("model", ""))
        self.fields |= {PREFIX + parameter.name: parameter_field(parameter) for parameter in self._parameters}

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if not self.errors and not self.values():
            self.add_error(None, "Set at least one parameter first.")
        others = ParameterPreset.objects.filter(owner=self._owner).exclude(name=cleaned.get("name", ""))
        if others.count() >= MOST_PRESETS:
            self.add_error(None, f"You have {MOST_PRESETS} presets. Delete one first.")
        return cleaned

    def values(self) -> dict[str, Any]:
        """Those that are set, by parameter."""
        values = {parameter.name: self.cleaned_data.get(PREFIX + parameter.name) for parameter in self._parameters}
        return {name: value for name, value in values.items() if value not in (None, "")}

    def problems(self) -> list[str]:
        return [str(error) for errors in self.errors.values() for error in errors]


@transaction.atomic
def save_preset(*, owner: User, name: str, parameters: Mapping[str, Any]) -> ParameterPreset:
    """Takes the place of the owner's preset of that name, if there is one."""
    preset, _ = ParameterPreset.objects.update_or_create(
        owner=owner, name=name, defaults={"parameters": dict(parameters)}
    )
    record(action=InferenceAction.PRESET_SAVE, actor=owner, target=preset, after={"parameters": sorted(parameters)})
    return preset


@transaction.atomic
def delete_preset(*, preset: ParameterPreset, actor: User) -> None:
    pk = preset.pk
    preset.delete()
    preset.pk = pk
    record(action=InferenceAction.PRESET_DELETE, actor=actor, target=preset)
