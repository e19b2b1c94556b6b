"""What was said in a call, as cards of its page. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from telemetry.context import SentMessage
from telemetry.readable_json import indented

_TITLES = {"system": "System prompt", "tools": "Tools offered", "schema": "Response schema"}


@dataclass(frozen=True, slots=True)
class Said:
    """A text and whose, or what, it is. ``files``: digest, name and media type of those that came with it."""

    who: str
    text: str
    files: Sequence[Mapping[str, str]] = ()


def sent_cards(messages: Iterable[SentMessage]) -> list[Said]:
    """What the provider was sent, from tools and schema on."""
    return [card for message in messages for card in _cards(message)]


def call_cards(calls: Iterable[Mapping[str, Any]]) -> Iterator[Said]:
    """Calls of tools that a model wants, as they are stored."""
    for call in calls:
        yield Said(f"Tool call: {call['name']}", indented(call["arguments"]) or call["arguments"] or "{}")


def _cards(message: SentMessage) -> Iterator[Said]:
    extra = json.loads(message.extra) if message.extra else {}
    if message.role in ("tools", "schema"):
        yield Said(_TITLES[message.role], indented(message.text) or message.text)
    elif message.role == "tool":
        yield Said(f"Tool result: {extra.get('tool_name', '')}", indented(message.text) or message.text)
    elif message.text or "tool_calls" not in extra:
        yield Said(_TITLES.get(message.role, message.role.capitalize()), message.text, message.attachments)
    yield from call_cards(extra.get("tool_calls", ()))
