"""The contract between a run and a provider adapter.

An adapter is one module with these coroutines; it knows its SDK and nothing of Django::

    def stream(request: ChatRequest, *, api_key: str, base_url: str | None) -> AsyncGenerator[StreamEvent]
    async def list_models(*, api_key: str, base_url: str | None) -> list[ModelInfo]
    async def check(*, api_key: str, base_url: str | None) -> None
    def parameters(model: str) -> tuple[Parameter, ...]
    def abilities(model: str) -> Abilities

``stream`` yields deltas as they arrive, a ``Usage`` each time its figures grow, of which the last one counts, and
exactly one ``Finished`` at the end. It makes one attempt: it never retries what failed, and raises ``ProviderError``
(see ``errors``) for everything that a provider can cause. Closing the generator, or
cancelling the task that iterates it, closes the connection to the provider.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal, Protocol


class FinishReason(StrEnum):
    """Why the provider stopped, in the words of OpenTelemetry's ``gen_ai.response.finish_reasons``."""

    STOP = "stop"
    LENGTH = "length"
    TOOL_CALLS = "tool_calls"
    CONTENT_FILTER = "content_filter"


@dataclass(frozen=True, slots=True)
class Attachment:
    """An image or a file in a message. ``digest``: SHA-256 of ``content``, in hexadecimal."""

    digest: str
    name: str
    media_type: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call of a tool that the model wants. ``arguments``: JSON as the model wrote it, which may be invalid.

    ``signature``: what the provider wants to get back with the call, such as the thoughts before it that it has
    signed. It begins with the name of its protocol and a colon: those of others are not sent.
    """

    id: str
    name: str
    arguments: str
    signature: str = ""


@dataclass(frozen=True, slots=True)
class Tool:
    """A function that the model may ask for. ``parameters``: JSON Schema of its arguments."""

    name: str
    description: str
    parameters: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """``role`` tool: the result of the call ``tool_call_id`` of the tool ``tool_name``."""

    role: Literal["user", "assistant", "tool"]
    text: str
    attachments: tuple[Attachment, ...] = ()
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str = ""
    tool_name: str = ""

    @property
    def is_plain(self) -> bool:
        """Nothing but text."""
        return not (self.attachments or self.tool_calls or self.tool_call_id)


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Limits in seconds; ``total`` counts from the start of the attempt, the others from the last sign of life.

    Models that reason are silent for minutes, at first and between two thoughts.
    """

    connect: float = 10.0
    first_token: float = 300.0
    between_tokens: float = 120.0
    total: float = 1800.0


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """One call. ``parameters`` holds only names that ``parameters(model)`` lists, already validated.

    ``response_schema``: JSON Schema that the answer is asked to follow.
    """

    model: str
    messages: tuple[ChatMessage, ...]
    system: str = ""
    parameters: Mapping[str, float | int | str | list[str]] = field(default_factory=dict)
    timeouts: Timeouts = Timeouts()
    tools: tuple[Tool, ...] = ()
    response_schema: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class TextDelta:
    text: str


@dataclass(frozen=True, slots=True)
class ReasoningDelta:
    text: str


@dataclass(frozen=True, slots=True)
class ToolCallDelta:
    """A piece of the call at the position ``index`` of the answer's calls, counted from 0 as they begin.

    ``id``, ``name`` and ``signature`` come once each; ``id`` with the first piece.
    """

    index: int
    arguments: str = ""
    id: str = ""
    name: str = ""
    signature: str = ""


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens in disjoint classes: their sum is everything the provider bills.

    ``input`` excludes what was read from or written to a cache; ``output`` excludes ``reasoning``.
    ``parts``: how many tokens of these classes are billed apart, by the names of ``telemetry.pricing.PARTS``, such as
    ``cache_write_1h`` or ``input_audio``; and what is billed by the piece, as ``web_searches``.
    ``cost_usd`` is set only where the provider itself reports what the call cost, as a decimal string.
    ``note`` says what was believed where the provider's figures contradict each other.
    """

    input: int = 0
    cache_read: int = 0
    cache_write: int = 0
    output: int = 0
    reasoning: int = 0
    parts: Mapping[str, int] = field(default_factory=dict)
    service_tier: str = ""
    cost_usd: str | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Finished:
    """The provider's own end mark. ``request_id`` is the id its support asks for."""

    reason: FinishReason
    model: str = ""
    response_id: str = ""
    request_id: str = ""


StreamEvent = TextDelta | ReasoningDelta | ToolCallDelta | Usage | Finished


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """``inputs``: the kinds that the list names, such as text, image and file; None where it names none.

    ``chats``, ``tools`` and ``reasons`` likewise: None where the list does not tell.
    """

    id: str
    context_tokens: int | None = None
    inputs: frozenset[str] | None = None
    chats: bool | None = None
    tools: bool | None = None
    reasons: bool | None = None


@dataclass(frozen=True, slots=True)
class Parameter:
    """A sampling parameter that a model takes. ``default`` None means: not sent unless the user sets it."""

    name: str
    label: str
    help: str
    kind: Literal["float", "int", "choice", "text_list"]
    minimum: float | None = None
    maximum: float | None = None
    step: float | None = None
    choices: tuple[str, ...] = ()
    default: float | int | str | None = None


@dataclass(frozen=True, slots=True)
class Abilities:
    """What a model can be asked for besides text. ``schema_with_tools``: both of them in one call."""

    tools: bool = True
    schema: bool = True
    schema_with_tools: bool = True

    def missing_for(self, request: ChatRequest) -> str:
        """Which of the things that a request has the model cannot do, in one sentence; '' where it can do all."""
        uses_tools = bool(request.tools) or any(message.tool_calls for message in request.messages)
        if uses_tools and not self.tools:
            return f"{request.model} cannot call tools."
        if request.response_schema is not None and not self.schema:
            return f"{request.model} cannot be held to a response schema."
        if request.response_schema is not None and request.tools and not self.schema_with_tools:
            return f"{request.model} takes either tools or a response schema, not both in one call."
        return ""


class Adapter(Protocol):
    def stream(
        self, request: ChatRequest, *, api_key: str, base_url: str | None
    ) -> AsyncGenerator[StreamEvent, None]: ...

    async def list_models(self, *, api_key: str, base_url: str | None) -> list[ModelInfo]: ...

    async def check(self, *, api_key: str, base_url: str | None) -> None: ...

    def parameters(self, model: str) -> tuple[Parameter, ...]: ...

    def abilities(self, model: str) -> Abilities: ...
