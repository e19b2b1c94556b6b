"""What a panel asks: its messages, filled in with the values of its playground."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from django.conf import settings

from inference.chat.forms import parameters_of
from inference.playground.models import Panel
from inference.providers.base import Attachment, ChatMessage, ChatRequest, Timeouts, Tool, ToolCall
from inference.providers.registry import get_adapter
from inference.runs.tool_calls import without_dangling
from inference.structured import DefinitionsRefused, schema_from, tools_from
from prompts import storable
from prompts.composition import IncludeRefused, resolve
from prompts.drafts import ROLES, Draft, Message
from prompts.reading import target_of
from prompts.storable import Unstorable
from prompts.templating import TemplateError, fill

if TYPE_CHECKING:
    from accounts.models import User

SYSTEM_ROLES = ("system", "developer")


class PanelIncomplete(Exception):
    """A panel that cannot be run, and what to do about it."""


def request_of(
    panel: Panel, values: Mapping[str, str], *, reader: User, files: Sequence[Attachment] = ()
) -> ChatRequest:
    """With ``files`` in the last message of the user. Raises PanelIncomplete."""
    if not panel.model:
        raise PanelIncomplete("Choose a model first.")
    body = _filled(panel, values, reader, has_files=bool(files))
    messages = tuple(_message(message) for message in body if message["role"] not in SYSTEM_ROLES)
    if not any(message.role == "user" and (files or message.text.strip()) for message in messages):
        raise PanelIncomplete("Add a user message first.")
    known = {parameter.name for parameter in parameters_of(panel.provider, panel.model)}
    tools, schema = _offered(panel)
    request = ChatRequest(
        model=panel.model,
        messages=_sendable(_with_files(messages, files)),
        system="\n\n".join(message["content"] for message in body if message["role"] in SYSTEM_ROLES),
        parameters={name: value for name, value in panel.parameters.items() if name in known},
        timeouts=Timeouts(**settings.PROVIDER_TIMEOUTS),
        tools=tools,
        response_schema=schema,
    )
    if missing := get_adapter(panel.provider).abilities(panel.model).missing_for(request):
        raise PanelIncomplete(missing)
    return request


def _sendable(messages: Sequence[ChatMessage]) -> tuple[ChatMessage, ...]:
    """Without calls that nobody has answered. Raises PanelIncomplete for an answer to no call."""
    sent = without_dangling(messages)
    results = [[message.tool_call_id for message in some if message.role == "tool"] for some in (messages, sent)]
    if results[0] != results[1]:
        raise PanelIncomplete(
            "A message of the role tool answers no call of the message before it. Remove it: where a model wants a"
            " call, you write below its answer what the tool says."
        )
    return sent


def _with_files(messages: Sequence[ChatMessage], files: Sequence[Attachment]) -> list[ChatMessage]:
    last = max(place for place, message in enumerate(messages) if message.role == "user")
    changed = replace(messages[last], attachments=tuple(files))
    return [changed if place == last else message for place, message in enumerate(messages)]


def used_names(panels: Sequence[Panel], reader: User) -> tuple[list[str], list[str]]:
    """Variables and placeholders of all panels, with those of what they include, each once."""
    variables: dict[str, None] = {}
    placeholders: dict[str, None] = {}
    for panel in panels:
        draft = Draft(panel.body)
        placeholders |= dict.fromkeys(draft.placeholders)
        # What is wrong is said where the panel is run.
        with suppress(PanelIncomplete):
            draft = Draft(_resolved(panel, reader))
        variables |= dict.fromkeys(draft.used_variables)
    return list(variables), list(placeholders)


def _resolved(panel: Panel, reader: User) -> Sequence[Message]:
    try:
        body = resolve(panel.prompt_name, panel.body, lambda include: target_of(include, reader)).body
    except (IncludeRefused, TemplateError) as error:
        raise PanelIncomplete(str(error)) from error
    return cast(Sequence[Message], body)


def _filled(panel: Panel, values: Mapping[str, str], reader: User, *, has_files: bool) -> list[dict[str, Any]]:
    body = _resolved(panel, reader)
    given = _values_of(panel, body, values)
    last = max((place for place, message in enumerate(body) if message.get("role") == "user"), default=None)
    filled: list[dict[str, Any]] = []
    for place, message in enumerate(body):
        if message.get("type") == "placeholder":
            filled += placeholder_messages(message["name"], values.get(message["name"], ""))
        elif message["content"].strip() or message.get("tool_calls") or (has_files and place == last):
            filled.append({**message, "content": fill(message["content"], given)})
    return filled


def _values_of(panel: Panel, body: Sequence[Message], values: Mapping[str, str]) -> dict[str, str]:
    defaults = {variable.name: variable.default for variable in panel.draft.variables}
    given = {name: values.get(name) or defaults.get(name, "") for name in Draft(body).used_variables}
    if missing := [name for name, value in given.items() if not value]:
        raise PanelIncomplete(f"Fill in {', '.join(missing)} under Variables first.")
    return given


def placeholder_messages(name: str, text: str) -> list[dict[str, Any]]:
    """The messages that a placeholder stands for, of JSON; none for an empty text. Raises PanelIncomplete."""
    if not text.strip():
        return []
    expected = 'a list such as [{"role": "user", "content": "Hello"}]'
    try:
        found = json.loads(text)
        storable.check(found)
    except Unstorable as error:
        raise PanelIncomplete(f"“{name}”: {error}") from error
    except (ValueError, RecursionError) as error:
        raise PanelIncomplete(f"“{name}” is not JSON. Write {expected}.") from error
    if not isinstance(found, list) or not all(map(_is_message, found)):
        raise PanelIncomplete(f"“{name}” must be {expected}.")
    return found


def _is_message(found: Any) -> bool:
    return isinstance(found, dict) and found.get("role") in ROLES and isinstance(found.get("content"), str)


def _message(stored: Mapping[str, Any]) -> ChatMessage:
    role = stored["role"]
    return ChatMessage(
        role=role,
        text=stored["content"],
        tool_calls=tuple(_tool_calls(stored.get("tool_calls"))) if role == "assistant" else (),
        tool_call_id=str(stored.get("tool_call_id", "")) if role == "tool" else "",
        tool_name=str(stored.get("name", "")) if role == "tool" else "",
    )


def _tool_calls(stored: Any) -> Iterator[ToolCall]:
    """Of the form in which OpenAI sends them; anything else counts as none."""
    for call in stored if isinstance(stored, list) else ():
        function = call.get("function") if isinstance(call, dict) else None
        if isinstance(function, dict):
            yield ToolCall(str(call.get("id", "")), str(function.get("name", "")), str(function.get("arguments", "")))


def _offered(panel: Panel) -> tuple[tuple[Tool, ...], Mapping[str, Any] | None]:
    try:
        return tools_from(panel.tools), schema_from(panel.response_schema)
    except DefinitionsRefused as refused:
        raise PanelIncomplete(str(refused)) from refused
