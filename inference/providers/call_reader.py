"""Calls of tools as they come in pieces, however a server numbers and names them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from uuid import uuid4

from inference.providers.base import ToolCallDelta
from inference.providers.errors import StreamBroken


@dataclass(slots=True)
class _Known:
    """What has been told of a call. ``given_id``: the server's own. ``half``: of a character, see ``whole_text``."""

    given_id: str
    name: str = ""
    half: str = ""


class CallReader:
    """``piece`` finds the call that a piece belongs to and says what is new of it."""

    def __init__(self) -> None:
        self._calls: list[_Known] = []
        self._places: dict[Any, int] = {}

    def __len__(self) -> int:
        return len(self._calls)

    def piece(
        self, *, key: int | str | None, call_id: str = "", name: str = "", arguments: Any = None, signature: str = ""
    ) -> Iterator[ToolCallDelta]:
        """``key``: the server's own number for the call, if it has one.

        ``arguments``: JSON as text, or as the object itself. Raises ``StreamBroken`` for anything else.
        """
        text = _as_text(arguments)
        place = self._place(key, call_id, name)
        is_new = place is None
        if place is None:
            if not (call_id or name or text):
                return
            place = self._begin(key, call_id)
        call = self._calls[place]
        own_id = (call.given_id or uuid4().hex[:9]) if is_new else ""
        news, call.name = "" if call.name else name, call.name or name
        text, call.half = whole_text(call.half, text)
        if is_new or news or text or signature:
            yield ToolCallDelta(place, text, own_id, news, signature)

    def rest(self) -> Iterator[ToolCallDelta]:
        """At the end: a mark in place of each half of a character whose other half never came."""
        for place, call in enumerate(self._calls):
            if call.half:
                yield ToolCallDelta(place, "\ufffd")

    def _place(self, key: int | str | None, call_id: str, name: str) -> int | None:
        """None for a call that begins. Some servers give all of them the number 0, others no number at all."""
        known = self._places.get(key) if key is not None else None
        if known is not None:
            given = self._calls[known].given_id
            return None if name and call_id and given and call_id != given else known
        if key is not None:
            return None
        if call_id:
            return next((place for place, call in enumerate(self._calls) if call.given_id == call_id), None)
        return len(self._calls) - 1 if self._calls and not name else None

    def _begin(self, key: int | str | None, call_id: str) -> int:
        self._calls.append(_Known(call_id))
        place = len(self._calls) - 1
        if key is not None:
            self._places[key] = place
        return place


def whole_text(half: str, text: str) -> tuple[str, str]:
    """The text behind ``half``, and the first half of a character at its end, which waits for the next piece."""
    if text and (half or "\ud800" <= text[-1] <= "\udbff"):
        text = (half + text).encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
        half = text[-1] if "\ud800" <= text[-1] <= "\udbff" else ""
        text = text.removesuffix(half)
    return text, half


def arguments_of(call_arguments: str) -> dict[str, Any] | None:
    """The object that the arguments of a call are, an empty one where there are none; None where they are no object."""
    try:
        value = json.loads(call_arguments.strip() or "{}")
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def fitting_id(call_id: str, *, is_allowed: bool) -> str:
    """The id of a call as a provider takes it: another one's may be too long, or have other characters."""
    return call_id if is_allowed else sha256(call_id.encode("utf-8", "surrogatepass")).hexdigest()[:9]


def _as_text(arguments: Any) -> str:
    if arguments is None or isinstance(arguments, str):
        return arguments or ""
    if isinstance(arguments, Mapping):
        return json.dumps(arguments, ensure_ascii=False)
    raise StreamBroken("The provider sent arguments of a tool in an unknown shape.")
