"""What the form under a conversation starts with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from accounts.providers import label_of
from inference.chat.forms import PREFIX, parameters_of, range_of
from inference.chat.picker.choices import Choice, choice_of
from inference.chat.picker.defaults import disabled_reason, first_choice
from inference.models import Conversation
from inference.providers.base import Parameter
from tokens.models import ProviderToken
from tokens.services import pick_token

if TYPE_CHECKING:
    from accounts.models import User

SANDBOX = ("echo", "echo")
# Of more values than this, none is found with a slider.
SLIDABLE = 2_000_000


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
        low, high = self.parameter.minimum, self.parameter.maximum
        return (
            self.parameter.kind in ("int", "float") and None not in (low, high) and (high or 0) - (low or 0) < SLIDABLE
        )

    @property
    def step(self) -> float:
        """Of the slider: whole numbers, or a hundred steps of a round size."""
        low, high = self.parameter.minimum or 0, self.parameter.maximum or 0
        return 1 if self.parameter.kind == "int" else 0.01 if high - low <= 1 else 0.1

    @property
    def position(self) -> str:
        """Of the slider: the value that is set, else the default, else 0 or the lowest above it."""
        default, lowest = self.parameter.default, self.parameter.minimum or 0
        return self.value or str(max(lowest, 0) if default is None else default)

    @property
    def range(self) -> str:
        """For example ``0 to 2``; empty where there are no bounds."""
        return range_of(self.parameter).removeprefix(" from").strip()


@dataclass(frozen=True, slots=True)
class Composer:
    """``model`` is empty until one is chosen; ``choice`` knows its size and price.

    ``token`` is the provider key that calls would be made with. ``is_gone``: the one that was chosen cannot be used;
    ``default`` is the user's default of the provider, which could take its place.
    """

    provider: str
    model: str
    system: str
    inputs: list[ParameterInput]
    choice: Choice | None
    token_id: UUID | None = None
    token: ProviderToken | None = None
    default: ProviderToken | None = None
    client_id: UUID = field(default_factory=uuid4)

    @property
    def is_gone(self) -> bool:
        return self.token_id is not None and self.token is None

    @property
    def endpoint_name(self) -> str:
        """The provider, or the name of a server with a base URL of its own."""
        return self.token.label if self.token and self.token.base_url else label_of(self.provider)

    @property
    def is_sandbox(self) -> bool:
        return (self.provider, self.model) == SANDBOX


def composer_for(conversation: Conversation) -> Composer:
    chosen = (conversation.provider, conversation.model)
    return _composer(conversation.owner, *chosen, conversation.token_id, conversation.system, conversation.parameters)


def new_composer(user: User, *, provider: str = "", model: str = "", endpoint: UUID | None = None) -> Composer:
    """For a new conversation: with the model asked for, else the user's default, else the last one used, else one that
    a token allows.

    Else with the sandbox. A provider without a model leaves it to the page to ask for the provider's list.
    """
    if provider and model:
        return _composer(user, provider, model, endpoint)
    last = Conversation.objects.owned_by(user).exclude(model="").order_by("-updated_at").first()
    wished: list[tuple[str, str, UUID | None]] = [(user.default_provider, user.default_model, None)]
    wished += [(last.provider, last.model, last.token_id)] if last else []
    for provider, model, token_id in wished:
        token = pick_token(user=user, provider=provider, token_id=token_id)
        if model and not disabled_reason(provider, token):
            return _composer(user, provider, model, token_id)
    provider, model = first_choice(user)
    return _composer(user, provider, model) if provider else _composer(user, *SANDBOX)


def parameter_inputs(provider: str, model: str, values: Mapping[str, Any]) -> list[ParameterInput]:
    """``values`` by parameter name; those of parameters that the model does not take are left out."""
    parameters = parameters_of(provider, model) if model else ()
    return [ParameterInput(parameter, value_text(values.get(parameter.name))) for parameter in parameters]


def _composer(
    user: User,
    provider: str,
    model: str,
    token_id: UUID | None = None,
    system: str = "",
    values: Mapping[str, Any] | None = None,
) -> Composer:
    token = pick_token(user=user, provider=provider, token_id=token_id)
    choice = choice_of(user, provider, model, token_id) if model else None
    default = pick_token(user=user, provider=provider) if token_id and token is None else None
    inputs = parameter_inputs(provider, model, values or {})
    return Composer(provider, model, system, inputs, choice, token_id, token, default)


def value_text(value: object) -> str:
    """A value as its field has it; a list by lines."""
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "\n".join(str(item).replace("\n", "\\n") for item in value)
    return "" if value is None else str(value)
