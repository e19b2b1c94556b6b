"""What a recorded call has sent, as a request that can be made again."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from django.conf import settings

from inference.providers.base import Attachment, ChatMessage, ChatRequest, Timeouts, Tool, ToolCall
from telemetry.context import SentMessage


def request_of_sent(sent: Iterable[SentMessage], *, model: str, parameters: Mapping[str, Any]) -> ChatRequest:
    """The bytes of its files are still to be read: see ``attachments.services.with_content``."""
    messages, apart = [], {"tools": "[]", "schema": "null", "system": ""}
    for message in sent:
        if message.role in apart:
            apart[message.role] = message.text
        else:
            messages.append(_message(message))
    return ChatRequest(
        model=model,
        messages=tuple(messages),
        system=apart["system"],
        parameters=parameters,
        timeouts=Timeouts(**settings.PROVIDER_TIMEOUTS),
        tools=tuple(_tools(apart["tools"])),
        response_schema=json.loads(apart["schema"]),
    )


def _tools(text: str) -> Iterator[Tool]:
    for tool in json.loads(text):
        yield Tool(**tool)


def _message(message: SentMessage) -> ChatMessage:
    extra = json.loads(message.extra) if message.extra else {}
    return ChatMessage(
        role=message.role,  # type: ignore[arg-type]
        text=message.text,
        attachments=tuple(Attachment(content=b"", **file) for file in message.attachments),
        tool_calls=tuple(ToolCall(**call) for call in extra.get("tool_calls", ())),
        tool_call_id=extra.get("tool_call_id", ""),
        tool_name=extra.get("tool_name", ""),
    )
