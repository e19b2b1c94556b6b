"""What a chat page sends over its socket, checked before anything else sees it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator

from accounts.providers import PROVIDERS, provider_choices
from audit.text import replace_unstorable
from inference.attachments.checks import MOST_FILES
from inference.providers.base import Parameter
from inference.providers.registry import get_adapter
from inference.runs.prompt_lookup import PROMPT_MISSING, prompt_of_question, prompt_use
from inference.runs.start import RunRequest

if TYPE_CHECKING:
    from accounts.models import User

TEXT_LIMIT = 200_000
SYSTEM_LIMIT = 50_000
MODEL_LIMIT = 200
PREFIX = "param-"
LONGEST_LIST = 16
LONGEST_ITEM = 500


class TextListField(forms.CharField):
    r"""One text per line; ``\n`` in a line stands for a line break. Cleans to a list, or None for nothing."""

    def clean(self, value: Any) -> list[str] | None:
        lines = [line.replace("\\n", "\n") for line in (super().clean(value) or "").splitlines() if line.strip()]
        if len(lines) > LONGEST_LIST or any(len(line) > LONGEST_ITEM for line in lines):
            raise ValidationError(f"{self.label}: at most {LONGEST_LIST} lines of {LONGEST_ITEM} characters.")
        return lines or None


class DigestsField(forms.CharField):
    """Digests of stored files, with spaces between them. Cleans to a tuple."""

    def clean(self, value: Any) -> tuple[str, ...]:
        digests = tuple(dict.fromkeys((super().clean(value) or "").split()))
        if len(digests) > MOST_FILES:
            raise ValidationError(f"A message has at most {MOST_FILES} files.")
        return digests


class RunForm(forms.Form):
    """A question (type ``run``) or another answer (``again``), with the parameters that the model supports.

    ``data`` comes straight from the socket: anything that is not text or a number counts as not sent.
    """

    text = forms.CharField(
        strip=False,
        max_length=TEXT_LIMIT,
        required=False,
        error_messages={"max_length": f"A message has at most {TEXT_LIMIT:,} characters."},
    )
    parent = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=2**63 - 1,
        error_messages=dict.fromkeys(("invalid", "min_value", "max_value"), "There is no such message."),
    )
    provider = forms.ChoiceField(
        choices=provider_choices, error_messages=dict.fromkeys(("required", "invalid_choice"), "Choose a model first.")
    )
    model = forms.CharField(
        max_length=MODEL_LIMIT,
        error_messages={
            "required": "Choose a model first.",
            "max_length": f"A model's name has at most {MODEL_LIMIT} characters.",
        },
    )
    endpoint = forms.UUIDField(required=False, error_messages={"invalid": "Choose a model first."})
    system = forms.CharField(
        strip=False,
        max_length=SYSTEM_LIMIT,
        required=False,
        error_messages={"max_length": f"The system prompt has at most {SYSTEM_LIMIT:,} characters."},
    )
    prompt = forms.UUIDField(required=False, error_messages={"invalid": PROMPT_MISSING})
    prompt_version = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=2**31 - 1,
        error_messages=dict.fromkeys(("invalid", "min_value", "max_value"), PROMPT_MISSING),
    )
    attachments = DigestsField(max_length=10_000, required=False)
    client_id = forms.UUIDField(
        error_messages=dict.fromkeys(("required", "invalid"), "Reload the page and send it again.")
    )

    def __init__(self, data: Mapping[str, object]) -> None:
        texts = {name: str(value) for name, value in data.items() if isinstance(value, str | int | float)}
        sent = replace_unstorable(texts)
        super().__init__(sent)
        self._asks_again = sent.get("type") == "again"
        self._parameters = parameters_of(sent.get("provider", ""), sent.get("model", ""))
        self.fields |= {PREFIX + parameter.name: parameter_field(parameter) for parameter in self._parameters}

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        is_empty = not str(cleaned.get("text", "x")).strip() and not cleaned.get("attachments")
        if not self._asks_again and is_empty:
            self.add_error("text", "Write a message first.")
        if cleaned.get("prompt") and not cleaned.get("prompt_version", True):
            self.add_error("prompt", PROMPT_MISSING)
        for name in sorted(name for name in self.data if name.startswith(PREFIX) and name not in self.fields):
            if str(self.data[name]).strip() and "model" in cleaned:
                self.add_error(None, f"{cleaned['model']} does not take “{name.removeprefix(PREFIX)[:50]}”.")
        return cleaned

    def to_request(self) -> RunRequest:
        """Only for a valid form."""
        cleaned = self.cleaned_data
        values = {parameter.name: cleaned[PREFIX + parameter.name] for parameter in self._parameters}
        return RunRequest(
            provider=cleaned["provider"],
            model=cleaned["model"],
            token_id=cleaned["endpoint"],
            text=None if self._asks_again else cleaned["text"],
            parent_id=cleaned["parent"],
            client_id=cleaned["client_id"],
            system=cleaned["system"],
            parameters={name: value for name, value in values.items() if value not in (None, "")},
            files=() if self._asks_again else cleaned["attachments"],
        )

    @property
    def has_prompt(self) -> bool:
        return bool(self.cleaned_data["prompt"])

    def to_request_of(self, user: User) -> RunRequest:
        """With the version of a prompt that is named, or that the question was made with which is answered again.

        Raises RunRefused where the user may read no such version.
        """
        request = self.to_request()
        if request.text is None and request.parent_id:
            return replace(request, prompt=prompt_of_question(user=user, question_id=request.parent_id))
        if not self.has_prompt:
            return request
        prompt_id, version = self.cleaned_data["prompt"], self.cleaned_data["prompt_version"]
        return replace(request, prompt=prompt_use(user=user, prompt_id=prompt_id, version=version))


def parameters_of(provider: str, model: str) -> tuple[Parameter, ...]:
    """What the model takes; nothing for a provider that does not exist."""
    return get_adapter(provider).parameters(model) if provider in PROVIDERS else ()


def parameter_field(parameter: Parameter) -> forms.Field:
    """A field that is never required: empty means that the parameter is not sent."""
    label = parameter.label
    if parameter.kind == "choice":
        choices = [("", "Default"), *((choice, choice) for choice in parameter.choices)]
        messages = {"invalid_choice": f"{label}: choose one of {', '.join(parameter.choices)}."}
        return forms.ChoiceField(choices=choices, required=False, label=label, error_messages=messages)
    if parameter.kind == "text_list":
        return TextListField(required=False, label=label, strip=False)
    return _number_field(parameter)


def _number_field(parameter: Parameter) -> forms.Field:
    is_whole = parameter.kind == "int"
    message = f"{parameter.label} must be {'a whole number' if is_whole else 'a number'}{range_of(parameter)}."
    field = forms.IntegerField(required=False) if is_whole else forms.FloatField(required=False)
    field.label = parameter.label
    field.error_messages |= dict.fromkeys(("invalid", "min_value", "max_value"), message)
    if parameter.minimum is not None:
        field.validators.append(MinValueValidator(parameter.minimum))
    if parameter.maximum is not None:
        field.validators.append(MaxValueValidator(parameter.maximum))
    return field


def range_of(parameter: Parameter) -> str:
    """For example `` from 0 to 2``; empty where there are no bounds."""
    parts = [("from", parameter.minimum), ("to", parameter.maximum)]
    return "".join(f" {word} {_number(bound)}" for word, bound in parts if bound is not None)


def _number(value: float) -> str:
    return f"{value:,}" if value % 1 else f"{value:,.0f}"


class ModelQuery(forms.Form):
    """A model in a URL."""

    provider = forms.ChoiceField(choices=provider_choices)
    model = forms.CharField(max_length=MODEL_LIMIT)
    endpoint = forms.UUIDField(required=False)

    def chosen(self) -> dict[str, Any]:
        """``provider``, ``model`` and ``endpoint``, or nothing where the URL names no possible model."""
        return self.cleaned_data if self.is_valid() else {}
