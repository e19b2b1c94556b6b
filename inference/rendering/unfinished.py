"""Markdown that is cut off anywhere, closed so that it reads as what it is going to be."""

from __future__ import annotations

import re

_ONLY_MARKS = re.compile(r"\s*(?:\d{1,9}[.)]?|[-+*>#=|:~`\s]*)\s*$")
_DEFINITION = re.compile(r"\s*\[[^\]\n]+\]:")
_BEGINS_ITEM = re.compile(r"\s*(?:[-+*>|]|\d{1,9}[.)]|#{1,6})(?:\s|$)|\s*\|")
_DELIMITERS = re.compile(r"\s*\|?[-:|\s]*$")
_OPEN_LINK = re.compile(r"!?\[([^\[\]]*)(?:\](?:\([^()\s]*)?)?$")
_TRAILING = re.compile(r"(?<!\\)[*_~`]+$")
_TOKEN = re.compile(r"\\[(\[]|\\.|`+|\$\$?|\*+|_+|~~", re.DOTALL)
_ENDS_OF_MATH = {"\\(": "\\)", "\\[": "\\]", "$$": "$$"}


def closed(text: str, end: str) -> str:
    """``text`` with the mark ``end`` after its last word, and with what is still open closed behind it.

    Takes time in proportion to the text.
    """
    lines = text.split("\n")
    if _DEFINITION.match(lines[-1]):
        lines[-1] = ""
    elif len(lines) > 1 and _ONLY_MARKS.match(lines[-1]):
        lines.pop()
    first = _last_paragraph(lines)
    if lines[first].lstrip().startswith("|"):
        return _closed_table(lines, first, end)
    item = _last_item(lines, first)
    before, segment = lines[:item], "\n".join(lines[item:])
    return "\n".join([*before, _closed_inline(segment, end)])


def _last_paragraph(lines: list[str]) -> int:
    place = len(lines) - 1
    while place > 0 and lines[place - 1].strip():
        place -= 1
    return place


def _last_item(lines: list[str], first: int) -> int:
    place = len(lines) - 1
    while place > first and not _BEGINS_ITEM.match(lines[place]):
        place -= 1
    return place


def _closed_table(lines: list[str], first: int, end: str) -> str:
    """Its head is a head before the line below it is there."""
    rows = lines[first:]
    if len(rows) == 2 and _DELIMITERS.match(rows[1]):
        rows.pop()
    rows[-1] = _closed_inline(rows[-1].rstrip().removesuffix("|"), end) + " |"
    if len(rows) == 1:
        cells = rows[0].count("|") - rows[0].count("\\|") - 1
        rows.append("|" + "---|" * max(1, cells))
    return "\n".join([*lines[:first], *rows])


def _closed_inline(text: str, end: str) -> str:
    text = _OPEN_LINK.sub(r"\1", _TRAILING.sub("", text))
    opened, place = _open_marks(text)
    if opened[-1:] in (["`"], ["math"]):
        return (
            _as_code(text, place, end)
            if opened.pop() == "math"
            else f"{text}{end}{_run_at(text, place)}{_joined(opened)}"
        )
    return f"{text}{end}{_joined(opened)}"


def _joined(opened: list[str]) -> str:
    return "".join(reversed(opened))


def _run_at(text: str, place: int) -> str:
    run = re.match("`+", text[place:])
    return run[0] if run else ""


def _as_code(text: str, place: int, end: str) -> str:
    """A formula that is still coming is shown as it is written."""
    latex = text[place:].replace("\n", " ").replace("`", "'")
    return f"{text[:place]}`` {latex}{end} ``"


def _open_marks(text: str) -> tuple[list[str], int]:
    """The marks that are open at the end, outermost first; last a code span or a formula, which begins at the place."""
    opened: list[str] = []
    place = 0
    while found := _TOKEN.search(text, place):
        mark, place = found[0], found.end()
        if mark[0] == "`" or mark in _ENDS_OF_MATH:
            ending = text.find(_ENDS_OF_MATH.get(mark, mark), place)
            if ending < 0:
                return [*opened, "`" if mark[0] == "`" else "math"], found.start()
            place = ending + len(mark)
        elif mark[0] in "*_~":
            _take(opened, text, found.start(), mark)
    return opened, place


def _take(opened: list[str], text: str, start: int, mark: str) -> None:
    before, after = text[start - 1 : start], text[start + len(mark) : start + len(mark) + 1]
    if mark[0] == "_" and before.isalnum() and after.isalnum():
        return
    left = mark
    while left and opened and opened[-1][0] == left[0] and before.strip() and len(opened[-1]) <= len(left):
        left = left[len(opened.pop()) :]
    if not left or not after.strip():
        return
    opened += [left[:2], left[0]] if len(left) == 3 else [left] if len(left) <= 2 and left != "~" else []
