"""What the form under a conversation starts with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from accounts.providers import label_of
from inference.chat.forms import PREFIX, parameters_of, range_of
from inference.chat.model_picker import Choice, choice_of, disabled_reason, first_choice
from inference.models import Conversation
from inference.providers.base import Parameter
from tokens.services import pick_token

if TYPE_CHECKING:
    from accounts.models import User

SANDBOX = ("echo", "echo")


@dataclass(frozen=True, slots=True)
class ParameterInput:
    """A parameter of the chosen model with the value that is set, empty for the default."""

    parameter: Parameter
    value: str

    @property
    def name(self) -> str:
        return PREFIX + self.parameter.name

    @property
    def has_slider(self) -> bool:
        parameter = self.parameter
        return parameter.kind in ("int", "float") and None not in (parameter.minimum, parameter.maximum)

    @property
    def step(self) -> float:
        """Of the slider: whole numbers, or a hundred steps of a round size."""
        low, high = self.parameter.minimum or 0, self.parameter.maximum or 0
        return 1 if self.parameter.kind == "int" else 0.01 if high - low <= 1 else 0.1

    @property
    def position(self) -> str:
        """Of the slider: the value that is set, else the default, else the lowest."""
        default = self.parameter.default
        return self.value or str(self.parameter.minimum if default is None else default)

    @property
    def range(self) -> str:
        """For example ``0 to 2``; empty where there are no bounds."""
        return range_of(self.parameter).removeprefix(" from").strip()


@dataclass(frozen=True, slots=True)
class Composer:
    """``model`` is empty until one is chosen; ``choice`` knows its size and price."""

    provider: str
    model: str
    system: str
    inputs: list[ParameterInput]
    choice: Choice | None
    client_id: UUID = field(default_factory=uuid4)

    @property
    def provider_label(self) -> str:
        return label_of(self.provider)

    @property
    def is_sandbox(self) -> bool:
        return (self.provider, self.model) == SANDBOX


def composer_for(conversation: Conversation) -> Composer:
    chosen = (conversation.provider, conversation.model)
    return _composer(conversation.owner, *chosen, conversation.system, conversation.parameters)


def new_composer(user: User, *, provider: str = "", model: str = "") -> Composer:
    """For a new conversation: with the model asked for, else the user's default, else the last one used, else one that
    a token allows.

    Else with the sandbox. A provider without a model leaves it to the page to ask for the provider's list.
    """
    if provider and model:
        return _composer(user, provider, model)
    last = Conversation.objects.owned_by(user).exclude(model="").order_by("-updated_at").first()
    wished = [(user.default_provider, user.default_model), (last.provider, last.model) if last else ("", "")]
    for provider, model in wished:
        if model and not disabled_reason(provider, pick_token(user=user, provider=provider)):
            return _composer(user, provider, model)
    provider, model = first_choice(user)
    return _composer(user, provider, model) if provider else _composer(user, *SANDBOX)


def parameter_inputs(provider: str, model: str, values: Mapping[str, Any]) -> list[ParameterInput]:
    """``values`` by parameter name; those of parameters that the model does not take are left out."""
    parameters = parameters_of(provider, model) if model else ()
    return [ParameterInput(parameter, _shown(values.get(parameter.name))) for parameter in parameters]


def _composer(
    user: User, provider: str, model: str, system: str = "", values: Mapping[str, Any] | None = None
) -> Composer:
    choice = choice_of(user, provider, model) if model else None
    return Composer(provider, model, system, parameter_inputs(provider, model, values or {}), choice)


def _shown(value: object) -> str:
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "\n".join(str(item).replace("\n", "\\n") for item in value)
    return "" if value is None else str(value)
