"""Texts as terms: what is compared when words are searched for. Pure.

A word is folded: compatibility forms and accents are dropped, letters are small, an English plural is its singular. Of
scripts that put no spaces between words (Chinese, Japanese, Korean, Thai, Lao, Khmer, Burmese) each two characters that
follow each other are a term, and the last one of each run.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

LONGEST_TERM = 64
# Accents and vowel signs are no letters of their own to Python's \w, but they end no word.
_MARKS = "".join(chr(code) for code in range(0x300, 0x3100) if unicodedata.category(chr(code)) in ("Mn", "Mc"))
_WORD = re.compile(rf"[^\W_](?:[^\W_]|[{_MARKS}])*(?:[’'][^\W_]+)?")
_UNSPACED = re.compile(
    "[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9d\uac00-\ud7a3"
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\U00020000-\U0003ffff]+"
)
_ENGLISH = """
a an and are as at be but by for from had has have he her his i if in into is it its me my of on or our she so that the
their them then there these they this to was we were what when which who will with you your how do does can could would
should not no please want
"""
# Of other languages, only words that mean nothing in English.
_OTHERS = "der die das und ist ein eine zu den mit von im le la les de des et un une du en el los las y que"
STOP_WORDS = frozenset(f"{_ENGLISH} {_OTHERS}".split())


class Term(NamedTuple):
    """A term, and from where to where it stands in the text."""

    text: str
    start: int
    end: int


def terms_of(text: str) -> Iterator[Term]:
    """In the order of the text."""
    for word in _WORD.finditer(text):
        at = word.start()
        for run in _UNSPACED.finditer(word[0]):
            yield from _folded(text, at, word.start() + run.start())
            yield from _pairs(text, word.start() + run.start(), word.start() + run.end())
            at = word.start() + run.end()
        yield from _folded(text, at, word.end())


def _folded(text: str, start: int, end: int) -> Iterator[Term]:
    if start < end and (folded := fold(text[start:end])):
        yield Term(folded, start, end)


def _pairs(text: str, start: int, end: int) -> Iterator[Term]:
    for at in range(start, end):
        stop = min(at + 2, end)
        yield Term(unicodedata.normalize("NFKC", text[at:stop]), at, stop)


@lru_cache(maxsize=50_000)
def fold(word: str) -> str:
    """``Crêpes`` as ``crepe``; '' for what has no letters, such as a lone accent."""
    return _singular(_plain(word))[:LONGEST_TERM]


def _plain(word: str) -> str:
    if word.isascii():
        return word.lower().partition("'")[0]
    spread = unicodedata.normalize("NFKD", word.casefold())
    kept = "".join(character for character in spread if not unicodedata.combining(character))
    return unicodedata.normalize("NFC", kept.partition("’")[0].partition("'")[0])


def _singular(word: str) -> str:
    """Harman's S-stemmer (1991), which changes nothing that is not a plural."""
    if not word.isascii() or len(word) < 4 or not word.endswith("s"):
        return word
    if word.endswith("ies") and not word.endswith(("eies", "aies")):
        return word[:-3] + "y"
    if word.endswith("es") and not word.endswith(("aes", "ees", "oes")):
        return word[:-1]
    return word if word.endswith(("us", "ss")) else word[:-1]


def wanted_terms(text: str) -> tuple[str, ...]:
    """What a query asks for, each term once; stop words only where there is nothing else."""
    found = dict.fromkeys(term.text for term in terms_of(text))
    return tuple(term for term in found if term not in STOP_WORDS) or tuple(found)


def as_vector(text: str) -> tuple[str, int]:
    """The literal of a tsvector, and how many terms the text has."""
    terms = _texts_of(text)
    return " ".join(f"{quoted(term)}:{place}" for place, term in enumerate(terms, start=1)), len(terms)


def _texts_of(text: str) -> list[str]:
    """Of the terms, without where they stand: much faster, and all that an index needs."""
    if _UNSPACED.search(text):
        return [term.text for term in terms_of(text)]
    return [folded for word in _WORD.findall(text) if (folded := fold(word))]


def quoted(term: str) -> str:
    """As PostgreSQL reads it within a tsvector or tsquery."""
    return "'" + term.replace("\\", "\\\\").replace("'", "''") + "'"


def as_query(terms: Sequence[str], *, operator: str = "|", prefix: bool = False) -> str:
    """The literal of a tsquery. ``prefix``: the last term may be the beginning of one."""
    parts = [quoted(term) for term in terms]
    single = [len(term) == 1 and bool(_UNSPACED.match(term)) for term in terms]
    last = len(parts) - 1
    return f" {operator} ".join(
        part + ":*" if single[at] or (prefix and at == last) else part for at, part in enumerate(parts)
    )
