"""What a recorded call has sent, as a request that can be made again."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from django.conf import settings

from inference.providers.base import Attachment, ChatMessage, ChatRequest, Timeouts, Tool
from inference.runs.tool_calls import from_stored
from telemetry.context import SentMessage


def request_of_sent(sent: Iterable[SentMessage], *, model: str, parameters: Mapping[str, Any]) -> ChatRequest:
    """The bytes of its files are still to be read: see ``attachments.services.with_content``."""
    messages, apart = [], {"tools": "[]", "schema": "null", "system": ""}
    for message in sent:
        if message.role in apart:
            apart[message.role] = message.text
        else:
            messages.append(message_of_sent(message))
    return ChatRequest(
        model=model,
        messages=tuple(messages),
        system=apart["system"],
        parameters=parameters,
        timeouts=Timeouts(**settings.PROVIDER_TIMEOUTS),
        tools=tuple(Tool(**tool) for tool in json.loads(apart["tools"])),
        response_schema=json.loads(apart["schema"]),
    )


def message_of_sent(sent: SentMessage) -> ChatMessage:
    """Of one that was said, by whomever: neither system prompt nor what was offered."""
    extra: Mapping[str, Any] = json.loads(sent.extra) if sent.extra else {}
    return ChatMessage(
        role=sent.role,  # type: ignore[arg-type]  # As it was recorded from a ChatMessage.
        text=sent.text,
        attachments=tuple(Attachment(**file, content=b"") for file in sent.attachments),
        tool_calls=from_stored(extra.get("tool_calls", ())),
        tool_call_id=extra.get("tool_call_id", ""),
        tool_name=extra.get("tool_name", ""),
    )
