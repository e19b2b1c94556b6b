"""The part of a text that shows why it was found, in pieces of which some are marked. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

from inference.search.analysis import terms_of

LENGTH = 220
_BEFORE = 40


class Piece(NamedTuple):
    text: str
    marked: bool


class Snippet(NamedTuple):
    """``found``: the words that are marked, as they stand there."""

    pieces: tuple[Piece, ...]
    found: tuple[str, ...]

    @property
    def text(self) -> str:
        return "".join(piece.text for piece in self.pieces)


def snippet_of(text: str, terms: Collection[str], literals: Sequence[str] = (), *, prefix: str = "") -> Snippet:
    """Begins shortly before where most of the terms stand together. ``prefix``: beginning of a term."""
    spans = _merged([*_literal_spans(text, literals), *_term_spans(text, frozenset(terms), prefix)])
    start, end = _window(text, spans)
    shown = [(max(first, start), min(last, end)) for first, last in spans if first < end and last > start]
    found = tuple(dict.fromkeys(text[first:last].casefold() for first, last in shown))
    return Snippet(tuple(_pieces(text, start, end, shown)), found)


def _literal_spans(text: str, literals: Iterable[str]) -> list[tuple[int, int]]:
    return [found.span() for literal in literals for found in re.finditer(re.escape(literal), text, re.IGNORECASE)]


def _term_spans(text: str, terms: frozenset[str], prefix: str) -> list[tuple[int, int]]:
    return [
        (term.start, term.end)
        for term in terms_of(text)
        if term.text in terms or (prefix and term.text.startswith(prefix))
    ]


def _merged(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for first, last in sorted(spans):
        if merged and first <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(last, merged[-1][1])
        else:
            merged.append((first, last))
    return merged


def _window(text: str, spans: Sequence[tuple[int, int]]) -> tuple[int, int]:
    if len(text) <= LENGTH or not spans:
        return 0, _word_end(text, LENGTH)
    best = max(spans, key=lambda span: len({text[a:b].casefold() for a, b in spans if span[0] <= a < span[0] + LENGTH}))
    start = max(0, min(best[0] - _BEFORE, len(text) - LENGTH))
    if start:
        start = text.find(" ", start, best[0]) + 1 or start
    return start, _word_end(text, start + LENGTH)


def _word_end(text: str, end: int) -> int:
    if end >= len(text):
        return len(text)
    space = text.rfind(" ", end - 30, end)
    return space if space != -1 else end


def _pieces(text: str, start: int, end: int, spans: Sequence[tuple[int, int]]) -> Iterable[Piece]:
    if start:
        yield Piece("…", False)
    at = start
    for first, last in spans:
        if first > at:
            yield Piece(text[at:first], False)
        yield Piece(text[first:last], True)
        at = last
    if at < end:
        yield Piece(text[at:end], False)
    if end < len(text):
        yield Piece("…", False)
