"""Which values a version of a prompt was filled with, found in what a call has sent. Pure.

Calls do not record the values of variables. Where what was sent can have come from the version in one way only, they
are known all the same; everything else is refused, since a replay with guessed values would compare nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from prompts.templating import parts_of
from telemetry.context import SentMessage

SYSTEM_ROLES = ("system", "developer")
Template = tuple[str, str]


class NotRecovered(Exception):
    """The values cannot be known, and why."""


@dataclass(frozen=True, slots=True)
class Recovered:
    """``before`` and ``after``: messages of the conversation around those of the prompt. ``own``: those of the prompt.

    ``placeholders``: by name the messages in its place. ``has_system``: the system prompt was that of the prompt.
    """

    values: Mapping[str, str]
    placeholders: Mapping[str, Sequence[SentMessage]] = field(default_factory=dict)
    before: Sequence[SentMessage] = ()
    own: Sequence[SentMessage] = ()
    after: Sequence[SentMessage] = ()
    has_system: bool = False


def recover(body: str | Sequence[Mapping[str, Any]], sent: Sequence[SentMessage]) -> Recovered:
    """``body`` of the version, without includes; ``sent`` as the call recorded it. Raises NotRecovered."""
    messages: list[Mapping[str, Any]] = [{"role": "user", "content": body}] if isinstance(body, str) else list(body)
    found = _Values()
    has_system = _match_system(messages, sent, found)
    said = [message for message in sent if message.role not in ("system", "tools", "schema")]
    asked = [message for message in messages if message.get("role") not in SYSTEM_ROLES]
    return replace(_match_messages(asked, said, found), has_system=has_system)


class _Values:
    """Values by variable; one that comes twice must be the same."""

    def __init__(self, known: Mapping[str, str] | None = None) -> None:
        self.known = dict(known or {})

    def add(self, values: Mapping[str, str]) -> bool:
        if any(self.known.get(name, value) != value for name, value in values.items()):
            return False
        self.known |= values
        return True


def _match_system(messages: Sequence[Mapping[str, Any]], sent: Sequence[SentMessage], found: _Values) -> bool:
    """False where the version has none."""
    template = "\n\n".join(message["content"] for message in messages if message.get("role") in SYSTEM_ROLES)
    if not template.strip():
        return False
    text = next((message.text for message in sent if message.role == "system"), "")
    values = values_in(template, text)
    if values is None or not found.add(values):
        raise NotRecovered("The system prompt of this call is not that of the version it was made from.")
    return True


def _match_messages(messages: Sequence[Mapping[str, Any]], said: Sequence[SentMessage], found: _Values) -> Recovered:
    places = [place for place, message in enumerate(messages) if message.get("type") == "placeholder"]
    if len(places) > 1:
        raise NotRecovered("The version has several placeholders, so their messages cannot be told apart.")
    if places:
        return _around_placeholder(messages, places[0], said, found)
    templates = list(_templates(messages))
    starts = [
        (start, values)
        for start in range(len(said) - len(templates) + 1)
        if (values := _values_at(templates, said[start:], found)) is not None
    ]
    if not starts:
        raise NotRecovered("The messages of this call are not those of the version it was made from.")
    if len(starts) > 1 and templates:
        raise NotRecovered("The messages of the version are in this call more than once.")
    start, values = starts[0]
    end = start + len(templates)
    return Recovered(values, {}, said[:start], said[start:end], said[end:])


def _around_placeholder(
    messages: Sequence[Mapping[str, Any]], place: int, said: Sequence[SentMessage], found: _Values
) -> Recovered:
    first, last = list(_templates(messages[:place])), list(_templates(messages[place + 1 :]))
    middle = len(said) - len(last)
    values = None
    if middle >= len(first):
        values = _values_at(first, said, found)
        values = None if values is None else _values_at(last, said[middle:], _Values(values))
    if values is None:
        raise NotRecovered("The messages of this call are not those of the version it was made from.")
    own = [*said[: len(first)], *said[middle:]]
    return Recovered(values, {messages[place]["name"]: said[len(first) : middle]}, own=own)


def _templates(messages: Sequence[Mapping[str, Any]]) -> Iterator[Template]:
    """Empty ones are not sent."""
    return ((one["role"], one["content"]) for one in messages if one["content"].strip() or one.get("tool_calls"))


def _values_at(templates: Sequence[Template], said: Sequence[SentMessage], known: _Values) -> dict[str, str] | None:
    found = _Values(known.known)
    for (role, template), message in zip(templates, said, strict=False):
        values = values_in(template, message.text) if role == message.role else None
        if values is None or not found.add(values):
            return None
    return found.known


def values_in(template: str, text: str) -> dict[str, str] | None:
    """What the variables of ``template`` stand for in ``text``; None where it cannot have come from it.

    Spaces around the whole may be missing, as a form cuts them. Raises NotRecovered where there are several ways.
    """
    exact = _exact_values(template, text)
    return _exact_values(template.strip(), text.strip()) if exact is None else exact


def _exact_values(template: str, text: str) -> dict[str, str] | None:
    """The texts between the variables stand as far left as they can, and as far right: that must be the same."""
    literals, names = _split(template)
    if not names:
        return {} if template == text else None
    end = len(text) - len(literals[-1])
    if not text.startswith(literals[0]) or not text.endswith(literals[-1]) or end < len(literals[0]):
        return None
    lefts = _leftmost(literals, text, end)
    if lefts is None:
        return None
    if lefts != _rightmost(literals, text, end):
        raise NotRecovered("The values of the variables cannot be told apart in what this call sent.")
    starts = [len(literals[0]), *(left + len(one) for left, one in zip(lefts, literals[1:-1], strict=True))]
    found = _Values()
    values = (text[start:stop] for start, stop in zip(starts, [*lefts, end], strict=True))
    return found.known if all(found.add({name: value}) for name, value in zip(names, values, strict=True)) else None


def _split(template: str) -> tuple[list[str], list[str]]:
    """Texts and the variables between them: one text more than variables."""
    literals, names = [""], []
    for part in parts_of(template):
        if part.variable:
            names.append(part.variable)
            literals.append("")
        else:
            literals[-1] += part.text
    return literals, names


def _leftmost(literals: Sequence[str], text: str, end: int) -> list[int] | None:
    """Where each text between two variables begins."""
    places, start = [], len(literals[0])
    for literal in literals[1:-1]:
        place = text.find(literal, start, end)
        if place < 0:
            return None
        places.append(place)
        start = place + len(literal)
    return places


def _rightmost(literals: Sequence[str], text: str, end: int) -> list[int]:
    """The same from the end. Only where ``_leftmost`` has found them."""
    places: list[int] = []
    for literal in reversed(literals[1:-1]):
        end = text.rfind(literal, len(literals[0]), end)
        places.insert(0, end)
    return places
