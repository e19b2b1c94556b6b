"""OpenAI's prompt objects. OpenAI never gave them by an API, so that they come in several shapes.

They are copied from its dashboard, or taken from a response, whose ``instructions`` are the messages of its prompt and
whose ``prompt`` names it.
https://developers.openai.com/api/docs/guides/prompting/migrate-from-prompt-object (November 2026)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from prompts.drafts import Draft, Variable
from prompts.files.document import FileRefused, PromptFile
from prompts.files.fields import Fields

_TEXTS = ("instructions", "messages", "input")
_PARAMETERS = {
    "temperature": "temperature", "top_p": "top_p", "max_output_tokens": "max_tokens", "max_tokens": "max_tokens",
    "reasoning": "reasoning", "tool_choice": "tool_choice", "parallel_tool_calls": "parallel_tool_calls",
}  # fmt: skip
# Of the call, or of the account, not of the prompt.
_KNOWN = {
    "id", "object", "status", "created_at", "updated_at", "created_by", "completed_at", "output", "output_text",
    "usage", "error", "incomplete_details", "metadata", "store", "truncation", "previous_response_id", "service_tier",
    "user", "background", "billing", "safety_identifier", "prompt_cache_key", "top_logprobs", "project_id",
    "is_default",
}  # fmt: skip


def is_openai(values: Mapping[str, Any]) -> bool:
    return isinstance(values.get("prompt"), dict) or any(name in values for name in _TEXTS)


def read(values: dict[str, Any], where: str) -> PromptFile:
    """Raises FileRefused."""
    fields = Fields(values, where=where)
    notes: list[str] = []
    reference = fields.take("prompt", dict, {})
    messages = [message for name in _TEXTS for message in _messages(fields.any(name), name, notes)]
    if not messages:
        raise fields.refusal(
            "This refers to a prompt, but has no text. Copy the messages from OpenAI's dashboard into “messages”.",
            "prompt",
        )
    tools, others = _tools(fields.take("tools", list, []))
    schema, text = _schema(fields.take("text", dict, {}), fields.maybe("response_format", dict))
    name = fields.any("name") or reference.get("name") or reference.get("id") or values.get("id")
    if not isinstance(name, str):
        raise fields.refusal("The prompt has neither a name nor an id.", "name")
    variables = fields.any("variables") or reference.get("variables")
    parameters = {own: fields.any(theirs) for theirs, own in _PARAMETERS.items() if theirs in fields}
    config = {"tools": others} if others else {}
    draft = Draft(
        messages, tuple(_variables(variables, notes)), tuple(tools), schema,
        config | ({"text": text} if text else {}), "openai", fields.take("model", str, ""), parameters,
    )  # fmt: skip
    version = _number(fields.any("version") or reference.get("version"))
    description = fields.maybe("description", str)
    notes += [f"{name} (kept in the config)" for name in draft.config]
    notes += [key for key, value in fields.rest().items() if key not in _KNOWN and value not in (None, [], {})]
    return PromptFile(name, draft, description, version=version, notes=tuple(notes))


def _messages(values: Any, name: str, notes: list[str]) -> Iterator[dict[str, Any]]:
    """``instructions`` are for the system where they are text; an input that is text is the user's."""
    if isinstance(values, str) and values:
        yield _message("system" if name == "instructions" else "user", values)
    elif isinstance(values, list):
        for number, item in enumerate(values, start=1):
            yield from _items(item, f"{name}[{number}]", notes)
    elif values:
        raise FileRefused("This must be text or a list of messages.", field=name)


def _items(item: Any, where: str, notes: list[str]) -> Iterator[dict[str, Any]]:
    if not isinstance(item, dict) or item.get("type", "message") != "message" or "role" not in item:
        notes.append(where)
        return
    content = item.get("content")
    texts = [content] if isinstance(content, str) else [*_texts(content, where, notes)]
    yield _message(str(item["role"]), "\n".join(texts))


def _texts(content: Any, where: str, notes: list[str]) -> Iterator[str]:
    for number, part in enumerate(content if isinstance(content, list) else [], start=1):
        if isinstance(part, dict) and isinstance(part.get("text"), str):
            yield part["text"]
        else:
            notes.append(f"{where}.content[{number}]")


def _message(role: str, content: str) -> dict[str, Any]:
    return {"type": "chatmessage", "role": role, "content": content}


def _tools(tools: list[Any]) -> tuple[list[dict[str, Any]], list[Any]]:
    """Functions in the form of chat completions, and what is no function."""
    functions, others = [], []
    for tool in tools:
        if not isinstance(tool, dict) or tool.get("type") != "function":
            others.append(tool)
        elif "function" in tool:
            functions.append(tool)
        else:
            functions.append({"type": "function", "function": {k: v for k, v in tool.items() if k != "type"}})
    return functions, others


def _schema(text: dict[str, Any], response_format: dict[str, Any] | None) -> tuple[dict[str, Any] | None, Any]:
    """The schema of answers, and what else was said of their text."""
    kind = _mapping(response_format or text.get("format"))
    schema = kind.get("schema") or _mapping(kind.get("json_schema")).get("schema")
    rest = {key: value for key, value in text.items() if key != "format"}
    if not isinstance(schema, dict) and kind.get("type", "text") != "text":
        rest["format"] = kind
    return schema if isinstance(schema, dict) else None, rest


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _variables(values: Any, notes: list[str]) -> Iterator[Variable]:
    """Names with values, descriptions by name, or a list of either."""
    if isinstance(values, list):
        values = {each.get("name") if isinstance(each, dict) else each: each for each in values if _is_named(each)}
    for name, value in (values or {}).items() if isinstance(values, dict | None) else ():
        yield _variable(name, value, notes)


def _is_named(value: Any) -> bool:
    return isinstance(value, str) or (isinstance(value, dict) and isinstance(value.get("name"), str))


def _variable(name: str, value: Any, notes: list[str]) -> Variable:
    if isinstance(value, dict):
        default, sample = value.get("default", ""), value.get("value") or value.get("text") or value.get("example", "")
        return Variable(name, default=_text(default), sample=_text(sample))
    return Variable(name, sample="" if value == name else _text(value))


def _text(value: Any) -> str:
    return value if isinstance(value, str) else "" if value is None else str(value)


def _number(version: Any) -> int | None:
    text = str(version or "")
    return int(text) if text.isascii() and text.isdecimal() and 0 < len(text) < 10 and int(text) else None
