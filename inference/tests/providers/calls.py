"""Calling adapters in tests."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import aclosing
from typing import Any

from accounts.providers import keyed_choices
from inference.providers.base import (
    ChatMessage,
    ChatRequest,
    Finished,
    ReasoningDelta,
    StreamEvent,
    TextDelta,
    Timeouts,
    ToolCall,
    ToolCallDelta,
    Usage,
)
from inference.providers.errors import ProviderError
from inference.providers.registry import get_adapter

WIRE_PROVIDERS = [name for name, _ in keyed_choices()]
KEY = "sk-canary-7f3a9c51d2e84b60"
# More than a machine with much else to do needs, so that only a test that wants a limit meets one.
PATIENT = Timeouts(connect=30, first_token=30, between_tokens=30, total=60)


def request(
    model: str, *, timeouts: Timeouts = PATIENT, system: str = "", parameters: Mapping[str, Any] | None = None
) -> ChatRequest:
    turns = (ChatMessage("user", "Hi"), ChatMessage("assistant", "Hello."), ChatMessage("user", "How are you?"))
    return ChatRequest(model, turns, system=system, parameters=parameters or {}, timeouts=timeouts)


async def collect(provider: str, asked: ChatRequest, base_url: str | None, *, key: str = KEY) -> list[StreamEvent]:
    async with aclosing(get_adapter(provider).stream(asked, api_key=key, base_url=base_url)) as events:
        return [event async for event in events]


async def collect_failure(
    provider: str, asked: ChatRequest, base_url: str | None, *, key: str = KEY
) -> tuple[list[StreamEvent], ProviderError]:
    """What came before the error, and the error."""
    received: list[StreamEvent] = []
    async with aclosing(get_adapter(provider).stream(asked, api_key=key, base_url=base_url)) as events:
        try:
            async for event in events:
                received.append(event)
        except ProviderError as error:
            return received, error
    raise AssertionError("the stream ended without an error")


def text(events: Iterable[StreamEvent]) -> str:
    return "".join(event.text for event in events if isinstance(event, TextDelta))


def reasoning(events: Iterable[StreamEvent]) -> str:
    return "".join(event.text for event in events if isinstance(event, ReasoningDelta))


def tool_calls(events: Iterable[StreamEvent]) -> list[ToolCall]:
    """Each with all its pieces. Their places count from 0 without a gap."""
    calls: dict[int, ToolCall] = {}
    for event in events:
        if isinstance(event, ToolCallDelta):
            call = calls.setdefault(event.index, ToolCall("", "", ""))
            calls[event.index] = ToolCall(
                call.id + event.id,
                call.name + event.name,
                call.arguments + event.arguments,
                call.signature + event.signature,
            )
    assert list(calls) == list(range(len(calls)))
    return list(calls.values())


def usage(events: Iterable[StreamEvent]) -> Usage:
    """The last one, which counts."""
    *_, found = (event for event in events if isinstance(event, Usage))
    return found


def finished(events: Iterable[StreamEvent]) -> Finished:
    (found,) = (event for event in events if isinstance(event, Finished))
    return found
