"""Parameters that several providers take, and the messages in OpenAI's form."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from inference.providers.base import ChatMessage, ChatRequest, Parameter
from inference.providers.call_reader import fitting_id
from inference.providers.parts import chat_content

TEMPERATURE = Parameter(
    "temperature",
    "Temperature",
    "Higher values give more varied output, lower more predictable.",
    "float",
    0,
    2,
    step=0.1,
)
TOP_P = Parameter(
    "top_p",
    "Top P",
    "Nucleus sampling: sample from the smallest set of tokens whose total probability reaches this value.",
    "float",
    0,
    1,
    0.05,
)
MAX_TOKENS = Parameter("max_tokens", "Max tokens", "Maximum length of the answer, in tokens.", "int", 1, 1_000_000, 1)
MAX_COMPLETION_TOKENS = Parameter(
    "max_completion_tokens",
    "Max tokens",
    "Maximum length of the answer and its reasoning, in tokens.",
    "int",
    1,
    1_000_000,
    1,
)
STOP = Parameter("stop", "Stop sequences", "Generation stops before any of these strings.", "text_list")
SEED = Parameter("seed", "Seed", "Makes sampling more reproducible.", "int", 0, 2**31 - 1, 1)
FREQUENCY_PENALTY = Parameter(
    "frequency_penalty",
    "Frequency penalty",
    "Positive values penalise tokens by how often they have appeared.",
    "float",
    -2,
    2,
    0.1,
)
PRESENCE_PENALTY = Parameter(
    "presence_penalty",
    "Presence penalty",
    "Positive values penalise tokens that have already appeared.",
    "float",
    -2,
    2,
    0.1,
)


def effort(choices: tuple[str, ...]) -> Parameter:
    help_text = "How much the model thinks before it answers."
    return Parameter("reasoning_effort", "Reasoning effort", help_text, "choice", choices=choices)


def top_k(highest: int) -> Parameter:
    return Parameter("top_k", "Top K", "Sample from the K most likely tokens.", "int", 1, highest, 1)


# Longer ids, and other characters, are refused.
CALL_ID = re.compile(r"[A-Za-z0-9_.:-]{1,40}")


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a provider departs from OpenAI's form. ``call_id``: the ids of calls of tools that it takes."""

    call_id: re.Pattern[str] = CALL_ID
    documents_by_url: bool = False


OPENAI = Dialect()


def messages(request: ChatRequest, dialect: Dialect = OPENAI) -> list[dict[str, Any]]:
    return [_message(message, dialect) for message in request.messages]


def _message(message: ChatMessage, dialect: Dialect) -> dict[str, Any]:
    if message.role == "tool":
        return {"role": "tool", "tool_call_id": _id(message.tool_call_id, dialect.call_id), "content": message.text}
    if message.tool_calls:
        return _message_with_calls(message, dialect.call_id)
    return {"role": message.role, "content": chat_content(message, documents_by_url=dialect.documents_by_url)}


def _message_with_calls(message: ChatMessage, call_id: re.Pattern[str]) -> dict[str, Any]:
    calls = [
        {
            "id": _id(call.id, call_id),
            "type": "function",
            "function": {"name": call.name, "arguments": call.arguments.strip() or "{}"},
        }
        for call in message.tool_calls
    ]
    return {"role": "assistant", "content": message.text or None, "tool_calls": calls}


def _id(given: str, pattern: re.Pattern[str]) -> str:
    return fitting_id(given, is_allowed=pattern.fullmatch(given) is not None)


def tools(request: ChatRequest) -> dict[str, Any]:
    """What a body has of the tools of a request."""
    functions = [
        {"name": tool.name, "description": tool.description, "parameters": dict(tool.parameters)}
        for tool in request.tools
    ]
    return {"tools": [{"type": "function", "function": function} for function in functions]} if functions else {}


def response_format(schema: Mapping[str, Any] | None) -> dict[str, Any]:
    """What a body has of the schema of a request: strict where the schema is within what strictness allows."""
    if schema is None:
        return {}
    named = {"name": "answer", "schema": dict(schema), "strict": is_strict(schema)}
    return {"response_format": {"type": "json_schema", "json_schema": named}}


# https://platform.openai.com/docs/guides/structured-outputs#supported-schemas (2026-11)
_NOT_STRICT = frozenset(
    ("allOf", "oneOf", "not", "if", "then", "else", "dependentRequired", "dependentSchemas", "patternProperties")
)


def is_strict(schema: Any, *, is_root: bool = True) -> bool:
    """Whether every object names all its properties as required and allows no others, and nothing is unsupported."""
    if not isinstance(schema, Mapping):
        return False
    if is_root and (schema.get("type") != "object" or "anyOf" in schema):
        return False
    if _NOT_STRICT & schema.keys():
        return False
    if schema.get("type") == "object" and (
        schema.get("additionalProperties") is not False
        or set(schema.get("required") or ()) != set(schema.get("properties") or ())
    ):
        return False
    return all(is_strict(inner, is_root=False) for inner in _schemas_in(schema))


def _schemas_in(schema: Mapping[str, Any]) -> list[Any]:
    named = [schema[name] for name in ("properties", "$defs", "definitions") if isinstance(schema.get(name), Mapping)]
    listed = [schema[name] for name in ("anyOf", "prefixItems") if isinstance(schema.get(name), list)]
    items = [schema["items"]] if "items" in schema else []
    return [
        *items,
        *(inner for each in named for inner in each.values()),
        *(inner for each in listed for inner in each),
    ]


def body(request: ChatRequest, dialect: Dialect = OPENAI) -> dict[str, Any]:
    """What a call in OpenAI's form adds to the model's name, for ``extra_body``.

    Given as keywords, an SDK walks through every message for keys to rename, which delays the first token by 0.1
    to 0.2 ms for each message of the conversation.
    """
    system = [{"role": "system", "content": request.system}] if request.system else []
    return {
        "messages": [*system, *messages(request, dialect)],
        "stream_options": {"include_usage": True},
        **tools(request),
        **response_format(request.response_schema),
        **request.parameters,
    }
