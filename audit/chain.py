"""The hash chain of the audit log: canonical bytes, hashes, verification. Knows neither Django nor a database.

An entry's *body* is a JSON object in canonical form: keys sorted by code point, no spaces, UTF-8, no escapes but
those JSON demands (quote, backslash, ``\\b \\f \\n \\r \\t``, and ``\\u00xx`` for other control characters). Values are
text without NUL and lone surrogates, whole numbers within 53 bits, true, false, null, arrays and objects; there are no
fractions, so there is one way to write each value. Times are text, UTC, with six digits of microseconds:
``2026-01-31T23:59:59.000001Z``.

An entry's hash is the SHA-256, in lower-case hex, of these four lines joined by single line feeds, none at the end::

    aistrale-audit-1
    <sequence, decimal>
    <hash of the entry before, or 64 zeros for entry 1>
    <body>

Personal values are kept apart from the entry, so that they can be destroyed. The body holds only their digest, the
SHA-256 of ``<salt, 32 hex digits>`` + line feed + ``<canonical JSON object>``.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

FORMAT = 1
GENESIS = "0" * 64
ERASURE = "audit:details:erase"
_ERASURE_START = f'{{"action":"{ERASURE}"'
MAX_INTEGER = 2**53 - 1

_NOT_ALLOWED = "an audit value is text, a whole number, true, false, null, a list or a dict with text keys, not {}"


class ChainEntry(NamedTuple):
    """One stored entry; ``salt`` and ``content`` are its personal details, None where there are none (any more)."""

    sequence: int
    previous_hash: str
    hash: str
    body: str
    salt: str | None = None
    content: str | None = None


@dataclass(frozen=True, slots=True)
class Violation:
    """The first entry that can not be right, and why."""

    sequence: int
    reason: str

    def __str__(self) -> str:
        return f"entry {self.sequence}: {self.reason}"


@dataclass(slots=True)
class VerificationResult:
    """``sequence`` and ``hash`` are those of the last good entry, or those the verification began from."""

    sequence: int
    hash: str
    entries: int = 0
    erased: int = 0
    violation: Violation | None = None


def canonical(value: Mapping[str, object]) -> str:
    """Raises ValueError for a value that has no canonical form."""
    _check(value)
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def entry_hash(sequence: int, previous_hash: str, body: str) -> str:
    return hashlib.sha256(f"aistrale-audit-1\n{sequence}\n{previous_hash}\n{body}".encode()).hexdigest()


def details_digest(salt: str | None, content: str) -> str:
    return hashlib.sha256(f"{salt}\n{content}".encode()).hexdigest()


def _check(value: object) -> None:
    if isinstance(value, str):
        if "\0" in value or not value.isascii() and any("\ud800" <= char <= "\udfff" for char in value):
            raise ValueError("an audit value holds NUL or a lone surrogate")
    elif value is None or isinstance(value, bool):
        return
    elif isinstance(value, int):
        if abs(value) > MAX_INTEGER:
            raise ValueError("an audit number is over 53 bits")
    else:
        _check_container(value)


def _check_container(value: object) -> None:
    if isinstance(value, Mapping):
        for key, item in value.items():
            if not isinstance(key, str):
                raise ValueError(_NOT_ALLOWED.format(type(key).__name__))
            _check(key)
            _check(item)
    elif isinstance(value, list):
        for item in value:
            _check(item)
    else:
        raise ValueError(_NOT_ALLOWED.format(type(value).__name__))


def verify(
    entries: Iterable[ChainEntry],
    *,
    sequence: int = 0,
    previous_hash: str = GENESIS,
    heads: Mapping[int, str] | None = None,
    erased: Collection[str] | None = (),
) -> VerificationResult:
    """Checks ``entries``, in the order of their sequence, as the entries that follow entry ``sequence``.

    ``heads`` are hashes known from signed checkpoints, by sequence. ``erased`` are pseudonyms known to be erased beside
    those that ``entries`` themselves record; None if they come without personal details. Stops at the first violation.
    """
    heads = heads or {}
    first = sequence + 1
    violation: Violation | None = None
    without_details: list[tuple[int, set[str | None]]] = []
    people = set(erased or ())
    for entry in entries:
        # Not in functions of its own, nor by name: a log may have millions of entries.
        number, before, digest, body, salt, content = entry
        if (
            number != sequence + 1
            or before != previous_hash
            or digest != entry_hash(number, before, body)
            or heads.get(number, digest) != digest
            # The digest is 64 hex digits that nobody can place elsewhere in a body whose hash is right.
            or (content is not None and f'"details_digest":"{details_digest(salt, content)}"' not in body)
        ):
            violation = _violation(entry, sequence + 1, previous_hash, heads)
            break
        if content is None:
            without_details += _missing_details(entry)
        if body.startswith(_ERASURE_START):
            people.add(json.loads(body)["owner"])
        sequence, previous_hash = number, digest
    else:
        unexplained = [number for number, about in without_details if erased is not None and not about & people]
        violation = _missing_tail(sequence, heads) or _gone(unexplained)
    return VerificationResult(sequence, previous_hash, sequence - first + 1, len(without_details), violation)


def _violation(entry: ChainEntry, expected: int, previous_hash: str, heads: Mapping[int, str]) -> Violation:
    if entry.sequence != expected:
        return _wrong_place(entry.sequence, expected)
    if entry_hash(entry.sequence, entry.previous_hash, entry.body) != entry.hash:
        return Violation(expected, "its content does not match its hash: it was changed after it was written")
    if entry.previous_hash != previous_hash:
        return Violation(expected, "it does not follow the entry before it: entries were replaced, inserted or swapped")
    if heads.get(entry.sequence, entry.hash) != entry.hash:
        return Violation(expected, "it differs from the signed checkpoint: the chain was computed anew")
    return Violation(expected, "its personal details do not match their digest")


def _wrong_place(found: int, expected: int) -> Violation:
    if found < expected:
        return Violation(found, "it occurs twice or out of order")
    last = found - 1
    return Violation(expected, "it is missing" if last == expected else f"it and all up to {last} are missing")


def _missing_tail(sequence: int, heads: Mapping[int, str]) -> Violation | None:
    last = max(heads, default=0)
    if last <= sequence:
        return None
    return Violation(sequence + 1, f"it is missing: a signed checkpoint knows {last} entries")


def _missing_details(entry: ChainEntry) -> list[tuple[int, set[str | None]]]:
    """The entry and whom it is by and about, if it once had details."""
    body = json.loads(entry.body)
    return [(entry.sequence, {body["actor"], body["owner"]})] if body["details_digest"] else []


def _gone(sequences: list[int]) -> Violation | None:
    if not sequences:
        return None
    return Violation(sequences[0], "its personal details are gone, and no entry records their erasure")
