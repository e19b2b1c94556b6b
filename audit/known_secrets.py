"""The secrets that this process has handled lately, so that what it writes down can be searched for them.

No secret is kept. Of each there are hashes: of the whole, and of some pieces of its beginning, by which a text is
searched without trying one secret after the other; so a line costs the same however many are known. The hashes are
Python's own, whose key is random in each process and known to nobody; wrongly found is one text in 2^64.

Only what has proved to be a secret is to be remembered: whoever could name any text would blot it out of the log.
What is known is forgotten after thousands of newer secrets, not after a time: a traceback may come late.
"""

from __future__ import annotations

import base64
from threading import Lock
from urllib.parse import quote

SHORTEST = 12  # shorter ones would also be found inside innocent words
MOST = 4000
# Of a text the pieces at every seventh place are looked up, so of each secret seven are known: one of them is met.
_PIECE, _STEP = 6, 7


class KnownSecrets:
    def __init__(self, most: int = MOST) -> None:
        """Remembers at least the latest ``most`` forms of secrets, at most twice as many."""
        self._most = most
        self._recent, self._earlier = _Hashes(), _Hashes()
        self._lock = Lock()

    def remember(self, *secrets: str | bytes) -> None:
        """Also as they look in addresses and as literals; bytes in hexadecimal digits and Base64."""
        for secret in secrets:
            if len(secret) >= SHORTEST and hash(secret) not in self._recent.wholes:
                self._remember(secret)

    def _remember(self, secret: str | bytes) -> None:
        with self._lock:
            if len(self._recent.wholes) >= self._most:
                self._recent, self._earlier = _Hashes(), self._recent
            self._recent.wholes.add(hash(secret))
            for form in _forms(secret):
                self._recent.add(form)

    def replace(self, text: str, placeholder: str) -> str:
        """``text`` with the placeholder for each secret in it."""
        kept, end = [], 0
        for start, length in self._found(text):
            if start >= end:
                kept += [text[end:start], placeholder]
            end = max(end, start + length)
        return "".join([*kept, text[end:]]) if kept else text

    def _found(self, text: str) -> list[tuple[int, int]]:
        """Starts and lengths, in the order of the text."""
        found = []
        for hashes in (self._recent, self._earlier):
            if hashes.pieces:
                found += hashes.found(text)
        return sorted(found, key=lambda place: (place[0], -place[1]))


class _Hashes:
    """``pieces``: by the hash of a piece, how far into which lengths of secrets it is."""

    def __init__(self) -> None:
        self.wholes: set[int] = set()
        self.pieces: dict[int, tuple[tuple[int, int], ...]] = {}

    def add(self, form: str) -> None:
        self.wholes.add(hash(form))
        for offset in range(_STEP):
            piece, place = hash(form[offset : offset + _PIECE]), (offset, len(form))
            if place not in self.pieces.get(piece, ()):
                self.pieces[piece] = (*self.pieces.get(piece, ()), place)

    def found(self, text: str) -> list[tuple[int, int]]:
        pieces, wholes = self.pieces, self.wholes
        met = [at for at in range(0, len(text) - _PIECE + 1, _STEP) if hash(text[at : at + _PIECE]) in pieces]
        places = [
            (at - offset, length)
            for at in met
            for offset, length in pieces[hash(text[at : at + _PIECE])]
            if at >= offset
        ]
        return [(start, length) for start, length in places if hash(text[start : start + length]) in wholes]


def _forms(secret: str | bytes) -> set[str]:
    if isinstance(secret, str):
        return {secret, repr(secret)[1:-1], quote(secret, safe="", errors="replace")}
    encoded = {base64.b64encode(secret).decode(), base64.urlsafe_b64encode(secret).decode()}
    return {repr(secret)[2:-1], secret.hex(), *encoded}


_of_this_process = KnownSecrets()
remember = _of_this_process.remember
replace = _of_this_process.replace
