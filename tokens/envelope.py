"""Envelope encryption, without Django and without a database.

A master key (kept outside the database) wraps data keys; a data key seals secrets. Both use AES-256-GCM with a
fresh 12-byte nonce. A sealed value is::

    format version (1 byte) | data key id (16 bytes) | nonce (12 bytes) | ciphertext and tag

The header and the context (table, row, field, ...) are authenticated, so a value moved to another row does not open.
The key is found by its id alone: no other key is ever tried.

::

    EnvelopeError
    ├── UnknownKey          no data key or master key of this id is at hand
    ├── Damaged             key and value do not belong together, or the value was altered
    ├── UnsupportedFormat   written by a version that this one does not know
    └── MasterKeysInvalid   the list of master keys cannot be used
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import re
import secrets
import string
from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

FORMAT = 1
KEY_BYTES = 32
KEY_ID_START, KEY_ID_END = 1, 17
_NONCE_BYTES = 12
_TAG_BYTES = 16
_HEADER_BYTES = KEY_ID_END
_VERSION = bytes([FORMAT])
_MASTER_KEY_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")
QUOTES = "\"'`“”‘’"
_PRINTABLE = frozenset(string.printable.encode())


class EnvelopeError(Exception):
    """Messages name keys by id and never hold key material or secrets."""


class UnknownKey(EnvelopeError):
    pass


class Damaged(EnvelopeError):
    pass


class UnsupportedFormat(EnvelopeError):
    pass


class MasterKeysInvalid(EnvelopeError):
    pass


@dataclass(frozen=True, slots=True)
class MasterKey:
    """``id`` is chosen by the operator; ``material`` is 32 random bytes."""

    id: str
    material: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class DataKey:
    id: UUID
    material: bytes = field(repr=False)
    cipher: AESGCM = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "cipher", AESGCM(self.material))

    def fingerprint(self, secret: str) -> str:
        """16 hex digits that name a secret in the audit log; they change when another data key makes them."""
        purpose = hashlib.sha256(b"aistrale fingerprint" + self.material).digest()
        return hmac.digest(purpose, secret.encode(), "sha256").hex()[:16]


def context_bytes(*parts: str) -> bytes:
    """Associated data that says where a value belongs; the lengths keep ("ab", "c") apart from ("a", "bc")."""
    encoded = [part.encode() for part in parts]
    return b"".join(len(part).to_bytes(4, "big") + part for part in encoded)


def seal(secret: str, *, key: DataKey, context: bytes) -> bytes:
    header = _VERSION + key.id.bytes
    nonce = os.urandom(_NONCE_BYTES)
    return header + nonce + key.cipher.encrypt(nonce, secret.encode(), header + context)


def key_id_of(sealed: bytes) -> UUID:
    """The id of the data key that sealed this. Raises UnsupportedFormat, or Damaged where it is too short."""
    if sealed[:1] not in (b"", _VERSION):
        raise UnsupportedFormat(f"Sealed format {sealed[0]} is not known; this version reads format {FORMAT}.")
    if len(sealed) < _HEADER_BYTES + _NONCE_BYTES + _TAG_BYTES:
        raise Damaged("The sealed value is cut short.")
    return UUID(bytes=bytes(sealed[KEY_ID_START:KEY_ID_END]))


def open_sealed(sealed: bytes, *, key_for: Callable[[UUID], DataKey], context: bytes) -> str:
    """The secret. ``key_for`` raises UnknownKey. Raises that, Damaged or UnsupportedFormat."""
    key_id = key_id_of(sealed)
    key = key_for(key_id)
    nonce, ciphertext = sealed[_HEADER_BYTES : _HEADER_BYTES + _NONCE_BYTES], sealed[_HEADER_BYTES + _NONCE_BYTES :]
    try:
        return key.cipher.decrypt(nonce, ciphertext, sealed[:_HEADER_BYTES] + context).decode()
    except (InvalidTag, UnicodeDecodeError):
        raise Damaged(f"The sealed value does not open with the data key {key_id}.") from None


def new_data_key(key_id: UUID) -> DataKey:
    return DataKey(id=key_id, material=os.urandom(KEY_BYTES))


def wrap(key: DataKey, *, master: MasterKey) -> bytes:
    """Format version (1 byte), nonce (12 bytes), then the data key's 32 bytes encrypted, and the tag."""
    nonce = os.urandom(_NONCE_BYTES)
    return _VERSION + nonce + AESGCM(master.material).encrypt(nonce, key.material, _wrap_context(key.id, master))


def unwrap(wrapped: bytes, *, key_id: UUID, master: MasterKey) -> DataKey:
    """Raises Damaged, also where ``master`` has the right id and the wrong bytes, or UnsupportedFormat."""
    if wrapped[:1] not in (b"", _VERSION):
        raise UnsupportedFormat(f"The data key {key_id} has the unknown format {wrapped[0]}.")
    nonce, ciphertext = wrapped[1 : 1 + _NONCE_BYTES], wrapped[1 + _NONCE_BYTES :]
    try:
        material = AESGCM(master.material).decrypt(nonce, ciphertext, _wrap_context(key_id, master))
    except (InvalidTag, ValueError):
        raise Damaged(f"The data key {key_id} does not open with the master key {master.id!r}.") from None
    return DataKey(id=key_id, material=material)


def _wrap_context(key_id: UUID, master: MasterKey) -> bytes:
    return context_bytes("data key", str(key_id), master.id)


def new_master_key() -> str:
    """One entry for the list of master keys."""
    return f"mk-{secrets.token_hex(4)}:{base64.b64encode(os.urandom(KEY_BYTES)).decode()}"


def parse_master_keys(text: str) -> tuple[MasterKey, ...]:
    """Entries ``<id>:<base64 of 32 bytes>``, separated by newlines or commas; the first is the primary.

    Empty text gives no keys; lines that begin with ``#`` are comments. Raises MasterKeysInvalid.
    """
    lines = (line for line in text.splitlines() if not line.lstrip().startswith("#"))
    entries = [entry.strip() for line in lines for entry in line.split(",") if entry.strip()]
    keys = tuple(_parse_master_key(entry, position) for position, entry in enumerate(entries, 1))
    if len({key.id for key in keys}) < len(keys):
        raise MasterKeysInvalid("Two master keys have the same id.")
    if len({key.material for key in keys}) < len(keys):
        raise MasterKeysInvalid("Two master keys have the same bytes.")
    return keys


def _parse_master_key(entry: str, position: int) -> MasterKey:
    if entry[0] in QUOTES or entry[-1] in QUOTES:
        raise MasterKeysInvalid(f"Master key {position} is in quotes: remove them.")
    key_id, colon, encoded = entry.partition(":")
    if not colon or not _MASTER_KEY_ID.fullmatch(key_id):
        # The entry itself is not shown: without its id it may be the bare key.
        raise MasterKeysInvalid(f"Master key {position} is not written as <id>:<base64 of 32 bytes>.")
    try:
        material = base64.b64decode(encoded, validate=True)
    except ValueError:
        raise MasterKeysInvalid(f"Master key {key_id!r} is not valid base64.") from None
    if len(material) != KEY_BYTES:
        raise MasterKeysInvalid(f"Master key {key_id!r} has {len(material)} bytes; it needs {KEY_BYTES}.")
    if _looks_typed(material):
        raise MasterKeysInvalid(f"Master key {key_id!r} is an example, not random: make one with `openssl rand`.")
    return MasterKey(id=key_id, material=material)


def _looks_typed(material: bytes) -> bool:
    """32 random bytes have fewer than 16 different values, or only printable ones, less than once in 10^12 keys."""
    return len(set(material)) < 16 or _PRINTABLE.issuperset(material)
