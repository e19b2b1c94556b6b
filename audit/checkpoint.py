"""Signed checkpoints: what the log's newest entry was at some time. Knows neither Django nor a database.

A checkpoint is a JSON object: ``chain`` (the hash of entry 1, which names the chain), ``sequence``, ``hash``, ``time``,
``key`` (the first 16 hex digits of the SHA-256 of the public key) and ``signature``, the Ed25519 signature in base64 of
the line ``aistrale-checkpoint-1`` + line feed + the canonical JSON of all other members.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from audit.chain import canonical

PURPOSE = "aistrale-checkpoint-1"
EXPORT_PURPOSE = "aistrale-audit-export-1"
_FILE_NAME = "checkpoint-{:015d}.json"


class KeyFormatError(ValueError):
    """A key that is not the base64 of 32 bytes."""


class CheckpointError(ValueError):
    """A checkpoint that can not be trusted: damaged, or signed by none of the known keys."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    chain: str
    sequence: int
    hash: str
    time: str


def read_keys(text: str) -> list[Ed25519PrivateKey]:
    """Keys as base64 of 32 bytes each, separated by commas or white space: the first one signs."""
    return [Ed25519PrivateKey.from_private_bytes(_key_bytes(part)) for part in text.replace(",", " ").split()]


def read_public_key(text: str) -> Ed25519PublicKey:
    return Ed25519PublicKey.from_public_bytes(_key_bytes(text))


def _key_bytes(text: str) -> bytes:
    try:
        raw = base64.b64decode(text.strip(), validate=True)
    except ValueError:
        raw = b""
    if len(raw) != 32:
        raise KeyFormatError("an audit key is the base64 of 32 bytes")
    return raw


def public_text(key: Ed25519PublicKey) -> str:
    return base64.b64encode(key.public_bytes_raw()).decode()


def fingerprint(key: Ed25519PublicKey) -> str:
    return hashlib.sha256(key.public_bytes_raw()).hexdigest()[:16]


def signed(values: Mapping[str, object], *, purpose: str, key: Ed25519PrivateKey) -> dict[str, object]:
    """``values`` with ``key`` and ``signature``; ``purpose`` keeps it from being taken for one of another kind."""
    named = {**values, "key": fingerprint(key.public_key())}
    signature = key.sign(f"{purpose}\n{canonical(named)}".encode())
    return {**named, "signature": base64.b64encode(signature).decode()}


def check_signature(values: Mapping[str, Any], *, purpose: str, keys: Sequence[Ed25519PublicKey]) -> None:
    """Raises CheckpointError unless one of ``keys`` signed ``values``."""
    unsigned = {name: value for name, value in values.items() if name != "signature"}
    key = next((key for key in keys if fingerprint(key) == values.get("key")), None)
    if key is None:
        raise CheckpointError(f"it is signed by the key {values.get('key')!r}, which is none of ours")
    try:
        key.verify(base64.b64decode(values["signature"]), f"{purpose}\n{canonical(unsigned)}".encode())
    except (InvalidSignature, KeyError, TypeError, ValueError) as error:
        raise CheckpointError("its signature is wrong") from error


def seal(checkpoint: Checkpoint, key: Ed25519PrivateKey) -> str:
    """The checkpoint as one line of JSON."""
    return canonical(signed(asdict(checkpoint), purpose=PURPOSE, key=key))


def parse(text: str, keys: Sequence[Ed25519PublicKey]) -> Checkpoint:
    """Raises CheckpointError."""
    try:
        values = json.loads(text)
        checkpoint = Checkpoint(**{name: values[name] for name in ("chain", "sequence", "hash", "time")})
    except (ValueError, KeyError, TypeError) as error:
        raise CheckpointError("it is damaged") from error
    check_signature(values, purpose=PURPOSE, keys=keys)
    return checkpoint


def heads(checkpoints: Iterable[Checkpoint]) -> dict[int, str]:
    """The hashes they vouch for, by sequence; the chain's name vouches for entry 1."""
    known: dict[int, str] = {}
    for checkpoint in checkpoints:
        known |= {1: checkpoint.chain, checkpoint.sequence: checkpoint.hash}
    return known


def file_of(directory: Path, sequence: int) -> Path:
    return directory / _FILE_NAME.format(sequence)


def sequence_of(path: Path) -> int:
    return int(path.stem.removeprefix("checkpoint-"))


def files(directory: Path, *, after: int = 0, until: int | None = None) -> list[Path]:
    """Files of checkpoints with ``after < sequence <= until``, by sequence."""
    paths = sorted(directory.glob(f"checkpoint-{'[0-9]' * 15}.json"))
    return [path for path in paths if after < sequence_of(path) and (until is None or sequence_of(path) <= until)]


def read(paths: Iterable[Path], keys: Sequence[Ed25519PublicKey]) -> list[Checkpoint]:
    """Raises CheckpointError, which names the file."""
    checkpoints = []
    for path in paths:
        try:
            checkpoints.append(parse(path.read_text(), keys))
        except (CheckpointError, UnicodeDecodeError) as error:
            raise CheckpointError(f"checkpoint {path.name}: {error}") from error
    return checkpoints
