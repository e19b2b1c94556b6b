"""What calls send, stored once: a chain in which each message is known by a digest over itself and all before it.

The next call of a conversation sends what the last one has sent, and two messages more. As in git, each message names
its parent by digest, so that the digest of the last one, the head, stands for everything that was sent. Pure.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from hashlib import sha256
from typing import Any, NamedTuple

# The parent of the first message, and the head of a context without any.
ROOT = b""


class SentMessage(NamedTuple):
    """``role``: system, user, assistant or tool; or tools and schema, whose text is the JSON of what a call offers.

    ``extra``: what it has beside its text, as canonical JSON (see ``canonical``); empty where there is nothing.
    """

    role: str
    text: str
    extra: str = ""

    @property
    def attachments(self) -> list[dict[str, str]]:
        """Digest, name and media type of its images and files."""
        found: list[dict[str, str]] = json.loads(self.extra).get("attachments", []) if self.extra else []
        return found


class ContextEntry(NamedTuple):
    digest: bytes
    parent: bytes
    message: SentMessage


def canonical(value: Any) -> str:
    """JSON in which equal values are equal texts; nothing for what is empty."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")) if value else ""


def digest_of(parent: bytes, message: SentMessage) -> bytes:
    """SHA-256 over the digest of the parent, the role, the text and any extra in UTF-8, each after its length in bytes.

    A length is an unsigned integer of 8 bytes, the most significant first: no two lists of parts have the same bytes.
    """
    hashed = sha256()
    parts = (message.role, message.text, message.extra) if message.extra else (message.role, message.text)
    for part in (parent, *(text.encode() for text in parts)):
        hashed.update(len(part).to_bytes(8, "big"))
        hashed.update(part)
    return hashed.digest()


def chain(messages: Iterable[SentMessage], *, known: Sequence[ContextEntry] = ()) -> list[ContextEntry]:
    """The entries of a context, from its first message on; those that ``known`` begins with are not hashed again."""
    entries: list[ContextEntry] = []
    for place, message in enumerate(messages):
        parent = head_of(entries)
        if place < len(known) and (known[place].parent, known[place].message) == (parent, message):
            entries.append(known[place])
        else:
            entries.append(ContextEntry(digest_of(parent, message), parent, message))
    return entries


def head_of(entries: Sequence[ContextEntry]) -> bytes:
    """What a call keeps of its context."""
    return entries[-1].digest if entries else ROOT


def period_of(moment: datetime) -> date:
    """The month in UTC, by its first day. No context reaches beyond it, so that old ones can be dropped whole."""
    return moment.astimezone(UTC).date().replace(day=1)
