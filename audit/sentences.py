"""Entries of the log in words: an actor, then the sentence of the action with the values of the entry.

``{target}`` and the names of values stand for what the entry holds; a part in brackets is left out where one of its
values is missing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple

from audit.actions import Action, Outcome, actions

if TYPE_CHECKING:
    from audit.rows import Row

# Of more than this many alike in a row, pages show one line.
MOST_UNFOLDED = 2
_OPTIONAL = re.compile(r"\[([^\]]*)\]")
_VALUE = re.compile(r"\{(\w+)\}")


class Part(NamedTuple):
    """``kind`` is "text", "target", "provider" or "value"."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Group:
    """Entries that follow each other and say the same; one, or more that are folded."""

    rows: Sequence[Row]

    @property
    def first(self) -> Row:
        return self.rows[0]

    @property
    def last(self) -> Row:
        return self.rows[-1]


def parts_of(action: str, values: Mapping[str, Any]) -> list[Part]:
    """The sentence of an action, or the words of its code where it has none."""
    known = _known().get(action)
    sentence = known.sentence if known and known.sentence else _words(action)
    shown = _OPTIONAL.sub(lambda match: match[1] if _has_all(match[1], values) else "", sentence)
    return list(_split(shown, values))


def grouped(rows: Sequence[Row]) -> list[Group]:
    """Rows in their order; runs of routine entries of one actor become one group."""
    groups = []
    for _, alike in groupby(rows, key=_likeness):
        run = list(alike)
        groups += [Group(run)] if len(run) > MOST_UNFOLDED else [Group([row]) for row in run]
    return groups


def _likeness(row: Row) -> tuple[Any, ...]:
    event = row.event
    known = _known().get(event.action)
    is_routine = known is not None and known.is_routine and event.outcome == Outcome.SUCCESS
    return (event.actor, event.action) if is_routine else (event.sequence,)


def _split(sentence: str, values: Mapping[str, Any]) -> Iterator[Part]:
    for number, piece in enumerate(_VALUE.split(sentence)):
        if number % 2:
            yield Part(piece if piece in ("target", "provider") else "value", _text(values.get(piece)))
        elif piece:
            yield Part("text", piece)


def _has_all(part: str, values: Mapping[str, Any]) -> bool:
    return all(values.get(name) not in (None, "") for name in _VALUE.findall(part))


def _text(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return "–" if value in (None, "") else str(value)


def _words(action: str) -> str:
    return " ".join(reversed(action.split(":")[1:])).replace("_", " ") or action


@cache
def _known() -> Mapping[str, Action]:
    known: Iterable[Action] = actions()
    return {action.value: action for action in known}
