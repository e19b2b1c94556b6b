"""What the editor holds while a version is written: taken from a stored one or from what was sent, changed by steps."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from prompts import storable
from prompts.drafts import MOST_VARIABLES, Body, Draft, Variable

PLACEHOLDER = "placeholder"


@dataclass(frozen=True, slots=True)
class Message:
    """``content`` is the name of a placeholder where that is the role. ``more`` is what programs have added, such as
    tool calls: the editor keeps it.
    """

    role: str
    content: str = ""
    more: Mapping[str, Any] = field(default_factory=dict)

    def as_stored(self) -> dict[str, Any]:
        if self.role == PLACEHOLDER:
            return {**self.more, "type": "placeholder", "name": self.content.strip()}
        return {**self.more, "type": "chatmessage", "role": self.role, "content": self.content}

    @property
    def more_as_json(self) -> str:
        return json.dumps(self.more) if self.more else ""


@dataclass(slots=True)
class Editor:
    """The text of a version and its variables. ``known`` are the variables of the version that is edited."""

    is_chat: bool
    text: str = ""
    messages: list[Message] = field(default_factory=list)
    variables: list[Variable] = field(default_factory=list)
    known: frozenset[str] = frozenset()

    @property
    def body(self) -> Body:
        return [message.as_stored() for message in self.messages] if self.is_chat else self.text

    @property
    def used(self) -> list[str]:
        return Draft(self.body).used_variables

    @property
    def clashing(self) -> list[str]:
        """Names of variables that placeholders have too."""
        return [name for name in dict.fromkeys(Draft(self.body).placeholders) if name in self.used]

    def follow_text(self) -> None:
        """One row for each variable that is used, then the others that somebody has described."""
        rows = {variable.name: variable for variable in self.variables}
        used = {name: rows.get(name, Variable(name)) for name in self.used[:MOST_VARIABLES]}
        kept = [row for row in self.variables if row.name not in used and self._is_described(row)]
        self.variables = [*used.values(), *kept]

    def _is_described(self, row: Variable) -> bool:
        return row.name in self.known or row != Variable(row.name)

    def take(self, step: str) -> None:
        """A step such as ``up:2`` or ``add:message``; one that cannot be taken changes nothing."""
        verb, _, what = step.partition(":")
        if verb == "forget":
            self.variables = [row for row in self.variables if row.name != what]
        elif verb == "add":
            self.messages.append(Message(PLACEHOLDER if what == PLACEHOLDER else "user"))
        elif verb == "type":
            self._change_type(is_chat=what == "chat")
        elif what.isdecimal() and (place := int(what[:6])) < len(self.messages):
            self._move(verb, place)

    def _change_type(self, *, is_chat: bool) -> None:
        if is_chat and not self.is_chat:
            self.messages = [Message("system", self.text)]
        elif self.is_chat and not is_chat:
            self.text = "\n\n".join(message.content for message in self.messages if message.role != PLACEHOLDER)
        self.is_chat = is_chat

    def _move(self, verb: str, place: int) -> None:
        message = self.messages.pop(place)
        if verb != "remove":
            self.messages.insert(max(0, place + {"up": -1, "down": 1}.get(verb, 0)), message)


def new_editor(*, is_chat: bool) -> Editor:
    return Editor(is_chat, messages=[Message("system"), Message("user")] if is_chat else [])


def editor_of(draft: Draft) -> Editor:
    if isinstance(draft.body, str):
        editor = Editor(False, text=draft.body)
    else:
        editor = Editor(True, messages=[_message(stored) for stored in draft.body])
    editor.variables = list(draft.variables)
    editor.known = frozenset(row.name for row in editor.variables)
    editor.follow_text()
    return editor


def sent_editor(data: Mapping[str, str], *, is_chat: bool, base: Draft | None) -> Editor:
    """As a form sends it. Browsers send every line break as two characters."""
    sent = {name: value.replace("\r\n", "\n") for name, value in data.items()}
    editor = Editor(is_chat, text=sent.get("text", ""))
    editor.messages = [
        Message(row["role"], row.get("content", ""), _more(row.get("more", "")))
        for row in _rows(sent, "message", "role", "content", "more")
    ]
    rows = _rows(sent, "variable", "name", "type", "default", "sample", "choices")
    editor.variables = [_variable(row) for row in rows]
    editor.known = frozenset(row.name for row in base.variables) if base else frozenset()
    return editor


def _message(stored: Mapping[str, Any]) -> Message:
    if stored.get("type") == PLACEHOLDER:
        return Message(PLACEHOLDER, stored["name"], _without(stored, "type", "name"))
    return Message(stored["role"], stored["content"], _without(stored, "type", "role", "content"))


def _without(stored: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in stored.items() if name not in names}


def _more(text: str) -> dict[str, Any]:
    """As the form had it; of anything else nothing."""
    try:
        found = json.loads(text or "{}")
        storable.check(found)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _variable(row: Mapping[str, str]) -> Variable:
    choices = tuple(line.strip() for line in row.get("choices", "").splitlines() if line.strip())
    return Variable(row["name"], row.get("type", "text"), row.get("default", ""), row.get("sample", ""), choices)


def _rows(sent: Mapping[str, str], prefix: str, *names: str) -> Iterator[dict[str, str]]:
    """Those with the fields ``<prefix>-0-<name>``, ``<prefix>-1-<name>`` and so on, as long as the first is there."""
    for number in count():
        fields = {name: f"{prefix}-{number}-{name}" for name in names}
        if fields[names[0]] not in sent:
            return
        yield {name: sent[field] for name, field in fields.items() if field in sent}
