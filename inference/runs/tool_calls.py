"""Calls of tools on their way: as deltas of a live run, as what is stored, and as what is sent again.

A delta of the kind ``tool_call`` names the call that the ``arguments`` after it belong to, in JSON: its place among
the calls of the answer, and what has become known of its id, name and signature.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import takewhile
from typing import Any

import orjson

from audit.text import replace_unstorable
from inference.providers.base import ChatMessage, ToolCall, ToolCallDelta
from inference.runs.stream_buffer import Delta

_HEAD = ("id", "name", "signature")


@dataclass(slots=True)
class CallWriter:
    """Turns what an adapter says of calls into deltas."""

    place: int = -1

    def deltas(self, event: ToolCallDelta) -> Iterator[Delta]:
        head = {name: replace_unstorable(getattr(event, name)) for name in _HEAD if getattr(event, name)}
        if head or event.index != self.place:
            self.place = event.index
            yield Delta("tool_call", orjson.dumps({"place": event.index, **head}).decode())
        if event.arguments:
            yield Delta("arguments", replace_unstorable(event.arguments))


class CallCollector:
    """Reads deltas; ``calls`` are those that have begun, by their place."""

    def __init__(self) -> None:
        self._heads: dict[int, dict[str, str]] = {}
        self._arguments: dict[int, list[str]] = {}
        self._place = 0

    def add(self, delta: Delta) -> int | None:
        """Returns the place of the call that has grown; None where the delta is of another kind."""
        if delta.kind == "tool_call":
            head = orjson.loads(delta.text)
            self._place = head.pop("place")
            self._heads.setdefault(self._place, {}).update(head)
            self._arguments.setdefault(self._place, [])
            return self._place
        if delta.kind == "arguments":
            self._arguments.setdefault(self._place, []).append(delta.text)
            return self._place
        return None

    @property
    def calls(self) -> tuple[ToolCall, ...]:
        return tuple(self.call(place) for place in sorted(self._heads))

    def call(self, place: int) -> ToolCall:
        head = self._heads[place]
        arguments = "".join(self._arguments[place])
        return ToolCall(head.get("id", ""), self.name(place), arguments, head.get("signature", ""))

    def name(self, place: int) -> str:
        return self._heads[place].get("name", "")


def tool_calls_of(deltas: Iterable[Delta]) -> tuple[ToolCall, ...]:
    collector = CallCollector()
    for delta in deltas:
        collector.add(delta)
    return collector.calls


def said_in(deltas: Iterable[Delta]) -> str:
    """What counts as output besides thoughts: text, and the arguments of calls."""
    return "".join(delta.text for delta in deltas if delta.kind in ("text", "arguments"))


def as_stored(calls: Iterable[ToolCall]) -> list[dict[str, str]]:
    return [asdict(call) for call in calls]


def from_stored(calls: Iterable[Mapping[str, Any]]) -> tuple[ToolCall, ...]:
    return tuple(ToolCall(**call) for call in calls)


def without_dangling(messages: Sequence[ChatMessage]) -> tuple[ChatMessage, ...]:
    """What can be sent: a call and its result only together, since providers refuse the one without the other.

    Results stand right behind the message with their calls. A message of which nothing is left is left out.
    """
    kept: list[ChatMessage] = []
    wanted: set[str] = set()
    for place, message in enumerate(messages):
        if message.role == "tool":
            if message.tool_call_id in wanted:
                wanted.discard(message.tool_call_id)
                kept.append(message)
            continue
        results = {m.tool_call_id for m in takewhile(lambda m: m.role == "tool", messages[place + 1 :])}
        calls = tuple(call for call in message.tool_calls if call.id in results and call.name)
        wanted = {call.id for call in calls}
        message = replace(message, tool_calls=calls)
        if message.text.strip() or message.attachments or calls:
            kept.append(message)
    return tuple(kept)
