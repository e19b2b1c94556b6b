"""What somebody has typed into the search box: words, and quoted texts that must stand there literally. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from inference.search.analysis import terms_of, wanted_terms

LONGEST = 1000
MOST_TERMS = 64
_QUOTED = re.compile(r"[\"“„«]([^\"“”„«»]+)[\"”“»]")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class QueryText:
    """``terms``: folded, each once. ``literals``: as they were quoted. ``cut``: whether it was too long."""

    text: str
    terms: tuple[str, ...] = ()
    literals: tuple[str, ...] = ()
    cut: bool = False

    @property
    def is_empty(self) -> bool:
        return not (self.text and (self.terms or self.literals))


def read(typed: str) -> QueryText:
    """Never refuses anything: what cannot be searched for is left out."""
    clean = " ".join(_CONTROL.sub(" ", typed[: LONGEST * 2]).encode("utf-8", "replace").decode().split())
    text = clean[:LONGEST]
    literals = tuple(dict.fromkeys(found.strip() for found in _QUOTED.findall(text) if found.strip()))
    words = wanted_terms(text)[:MOST_TERMS]
    return QueryText(text, words, literals, cut=len(typed) > LONGEST)


def inner_terms(literal: str) -> list[str]:
    """Terms that each text that holds the literal has for sure: all but those at its ends, which may be parts."""
    found = list(terms_of(literal))
    return [term.text for term in found[1:-1] if term.start > 0 and term.end < len(literal)]
