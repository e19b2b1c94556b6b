"""The difference of two texts by lines, and within changed lines by words (``difflib``)."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import groupby
from typing import Any, Literal

from prompts.drafts import Draft

CONTEXT_LINES = 3
MOST_LINES = 5_000
# Of words or lines that are equal on both sides: more take seconds.
_MOST_PAIRS = 1_000_000
_WORDS = re.compile(r"\w+|\s+|.", re.DOTALL)

Kind = Literal["equal", "changed", "removed", "added"]


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a line. ``is_changed`` marks the words that differ."""

    text: str
    is_changed: bool


@dataclass(frozen=True, slots=True)
class Side:
    number: int
    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """One line of both texts beside each other; a side is None where its text has no such line."""

    kind: Kind
    old: Side | None
    new: Side | None


@dataclass(frozen=True, slots=True)
class Fold:
    """Unchanged lines that need not be shown."""

    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Section:
    """One part of a version, such as its messages or its tools, in both states.

    Where it ``is_cut``, only the first ``MOST_LINES`` lines are compared.
    """

    title: str
    rows: list[Row | Fold]
    is_cut: bool = False

    @property
    def added(self) -> int:
        return sum(1 for row in self._changes if row.new)

    @property
    def removed(self) -> int:
        return sum(1 for row in self._changes if row.old)

    @property
    def has_changed(self) -> bool:
        return bool(self._changes)

    @property
    def _changes(self) -> list[Row]:
        return [row for row in self.rows if isinstance(row, Row) and row.kind != "equal"]

    @property
    def unified(self) -> list[Row | Fold]:
        """The same rows with one side each where they differ, of neighbours all old sides first."""
        result: list[Row | Fold] = []
        for _, group in groupby(self.rows, _is_change):
            result += _one_sided(list(group))
        return result


def _is_change(row: Row | Fold) -> bool:
    return isinstance(row, Row) and row.kind != "equal"


def _one_sided(rows: list[Row | Fold]) -> list[Row | Fold]:
    """Of rows that are all changes, or none of them."""
    if not _is_change(rows[0]):
        return rows
    changes = [row for row in rows if isinstance(row, Row)]
    removed = [Row("removed", row.old, None) for row in changes if row.old]
    return [*removed, *(Row("added", None, row.new) for row in changes if row.new)]


def compare(old: Draft, new: Draft) -> list[Section]:
    """Every part in which at least one of the two has something."""
    parts = zip(_parts(old), _parts(new), strict=True)
    return [_section(title, before, after) for (title, before), (_, after) in parts if before or after]


def _section(title: str, old: str, new: str) -> Section:
    is_cut = max(len(old.splitlines()), len(new.splitlines())) > MOST_LINES
    return Section(title, folded(rows_of(old, new)), is_cut)


def rows_of(old: str, new: str) -> list[Row]:
    before, after = old.splitlines()[:MOST_LINES], new.splitlines()[:MOST_LINES]
    rows: list[Row] = []
    for tag, i, j, k, m in _opcodes(before, after):
        if tag == "equal":
            rows += [Row("equal", _plain(i + n, before[i + n]), _plain(k + n, after[k + n])) for n in range(j - i)]
        else:
            rows += _changed(before, after, range(i, j), range(k, m))
    return rows


def inline(old: str, new: str) -> Iterator[tuple[Kind, str]]:
    """Both texts in one, as stretches that are equal, removed or added, by word."""
    for row in rows_of(old, new):
        match row.old, row.new:
            case Side() as left, Side() as right:
                yield from _merged(left, right)
            case Side() as left, None:
                yield "removed", _text(left)
            case None, Side() as right:
                yield "added", _text(right)
        yield "equal", "\n"


def _text(side: Side) -> str:
    return "".join(piece.text for piece in side.pieces)


def _merged(left: Side, right: Side) -> Iterator[tuple[Kind, str]]:
    """Between two stretches that are equal comes what was removed there, then what was added."""
    new = list(right.pieces)
    for piece in left.pieces:
        if piece.is_changed:
            yield "removed", piece.text
            continue
        while new and new[0].is_changed:
            yield "added", new.pop(0).text
        yield "equal", piece.text
        new = new[1:]
    for piece in new:
        yield "added", piece.text


def folded(rows: Sequence[Row]) -> list[Row | Fold]:
    """Rows more than ``CONTEXT_LINES`` away from a change are folded, where that saves at least two lines."""
    near = {
        place + distance
        for place, row in enumerate(rows)
        if row.kind != "equal"
        for distance in range(-CONTEXT_LINES, CONTEXT_LINES + 1)
    }
    result: list[Row | Fold] = []
    hidden: list[Row] = []
    for place, row in enumerate(rows):
        if place not in near:
            hidden.append(row)
            continue
        result += _fold(hidden)
        hidden = []
        result.append(row)
    return [*result, *_fold(hidden)]


def _fold(rows: list[Row]) -> list[Row | Fold]:
    return [Fold(tuple(rows))] if len(rows) > 1 else list(rows)


def _changed(before: Sequence[str], after: Sequence[str], old: range, new: range) -> Iterator[Row]:
    for i, k in zip(old, new, strict=False):
        left, right = _by_word(before[i], after[k])
        yield Row("changed", Side(i + 1, left), Side(k + 1, right))
    for i in old[len(new) :]:
        yield Row("removed", _plain(i, before[i]), None)
    for k in new[len(old) :]:
        yield Row("added", None, _plain(k, after[k]))


def _opcodes(before: Sequence[str], after: Sequence[str]) -> list[tuple[str, int, int, int, int]]:
    """As SequenceMatcher gives them; of what would take it seconds, one change of the whole."""
    counts = Counter(after)
    pairs = sum(count * counts[each] for each, count in Counter(before).items())
    if pairs > _MOST_PAIRS or max(len(before), len(after)) > MOST_LINES:
        is_equal = before == after
        return [("equal" if is_equal else "replace", 0, len(before), 0, len(after))]
    return list(SequenceMatcher(None, before, after, autojunk=False).get_opcodes())


def _plain(place: int, text: str) -> Side:
    return Side(place + 1, (Piece(text, is_changed=False),))


def _by_word(old: str, new: str) -> tuple[tuple[Piece, ...], tuple[Piece, ...]]:
    before, after = _WORDS.findall(old), _WORDS.findall(new)
    left, right = [], []
    for tag, i, j, k, m in _opcodes(before, after):
        if i < j:
            left.append(Piece("".join(before[i:j]), tag != "equal"))
        if k < m:
            right.append(Piece("".join(after[k:m]), tag != "equal"))
    return tuple(left), tuple(right)


def _parts(draft: Draft) -> list[tuple[str, str]]:
    settings = {"provider": draft.provider, "model": draft.model, **draft.parameters}
    return [
        ("Prompt", body_text(draft)),
        ("Variables", _lines({variable["name"]: variable for variable in draft.as_stored()["variables"]})),
        ("Tools", _lines(list(draft.tools))),
        ("Response schema", _lines(draft.response_schema)),
        ("Model and parameters", _lines({name: value for name, value in settings.items() if value != ""})),
        ("Config", _lines(dict(draft.config))),
    ]


def body_text(draft: Draft) -> str:
    """The text, or the messages one below the other, each after a line with its role."""
    if isinstance(draft.body, str):
        return draft.body
    return "\n\n".join(
        f"[placeholder] {message['name']}"
        if message.get("type") == "placeholder"
        else f"[{message['role']}]{_more(message)}\n{message['content']}"
        for message in draft.body
    )


def _more(message: Mapping[str, Any]) -> str:
    """What programs have added, such as tool calls."""
    more = {name: value for name, value in message.items() if name not in ("type", "role", "content")}
    return f" {json.dumps(more, ensure_ascii=False, sort_keys=True)}" if more else ""


def _lines(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True) if value else ""
