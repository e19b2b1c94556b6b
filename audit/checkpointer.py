"""Checkpoints of the log, written where the database can not reach them."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime
from pathlib import Path

import httpx
from django.conf import settings

from audit import checkpoint
from audit.checkpoint import Checkpoint
from audit.models import AuditEvent

_TIMEOUT_SECONDS = 10


def write_if_due() -> Checkpoint | None:
    """Signs the newest entry into ``CHECKPOINT_DIR``, if entries or minutes enough have gone by since the last one.

    ``record`` calls it too, after every ``CHECKPOINT_ENTRIES`` entries. None if nothing is due or there is no audit
    key. Raises OSError if the directory can not be written.
    """
    keys = checkpoint.read_keys(settings.AUDIT_KEYS)
    if not keys:
        return None
    head = AuditEvent.objects.values_list("sequence", "hash").first()
    if head is None or not _due(head[0]):
        return None
    first = AuditEvent.objects.values_list("hash", flat=True).get(pk=1)
    new = Checkpoint(first, *head, datetime.now(UTC).isoformat(timespec="microseconds"))
    _write(checkpoint.file_of(settings.CHECKPOINT_DIR, new.sequence), checkpoint.seal(new, keys[0]))
    return new


def send_newest() -> bool:
    """Posts the newest checkpoint to ``CHECKPOINT_URL`` unless that was done; tells whether it posted one.

    Checkpoints that could not be sent need not be: each one vouches for all entries before it. Raises httpx.HTTPError.
    """
    newest = checkpoint.files(settings.CHECKPOINT_DIR)[-1:]
    sent = settings.CHECKPOINT_DIR / "sent"
    if not settings.CHECKPOINT_URL or not newest or (sent.exists() and sent.read_text() == newest[0].name):
        return False
    answer = httpx.post(
        settings.CHECKPOINT_URL,
        content=newest[0].read_bytes(),
        headers={"Content-Type": "application/json"},
        timeout=_TIMEOUT_SECONDS,
    )
    answer.raise_for_status()
    _write(sent, newest[0].name)
    return True


def _due(sequence: int) -> bool:
    last = checkpoint.files(settings.CHECKPOINT_DIR)[-1:]
    new = sequence - (checkpoint.sequence_of(last[0]) if last else 0)
    if new <= 0 or new >= settings.CHECKPOINT_ENTRIES or not last:
        return new > 0
    age = time.time() - last[0].stat().st_mtime
    # A clock set back makes one due too, rather than none for a long time.
    return not 0 <= age < settings.CHECKPOINT_MINUTES * 60


def _write(path: Path, text: str) -> None:
    """All of it or nothing, also when the machine stops in between."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(f".{os.getpid()}.part")
    with part.open("w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
