"""The checkpoints as they lie in their directory, for the page that shows them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.conf import settings

from audit import checkpoint
from audit.models import AuditEvent


@dataclass(frozen=True, slots=True)
class Shown:
    """``problem`` is '' where the signature is right and the log agrees; ``time`` is None where it cannot be read."""

    sequence: int
    key: str
    time: datetime | None
    problem: str


def newest(count: int) -> tuple[list[Shown], int]:
    """The newest first, and how many there are in all."""
    paths = checkpoint.files(settings.CHECKPOINT_DIR)
    shown = paths[: -count - 1 : -1]
    keys = [key.public_key() for key in checkpoint.read_keys(settings.AUDIT_KEYS)]
    stored = dict(
        AuditEvent.objects.filter(pk__in=[1, *map(checkpoint.sequence_of, shown)]).values_list("sequence", "hash")
    )
    return [_shown(path, keys, stored) for path in shown], len(paths)


def _shown(path: Path, keys: list[Ed25519PublicKey], stored: dict[int, str]) -> Shown:
    number = checkpoint.sequence_of(path)
    try:
        text = path.read_text()
        read = checkpoint.parse(text, keys)
        time, key = datetime.fromisoformat(read.time), str(json.loads(text)["key"])
    except (OSError, ValueError) as error:
        return Shown(number, "", None, str(error))
    if read.sequence != number:
        return Shown(number, key, time, f"it is of entry {read.sequence}")
    if (stored.get(number), stored.get(1)) != (read.hash, read.chain):
        return Shown(number, key, time, "the log differs" if number in stored else "the log ends before it")
    return Shown(number, key, time, "")
