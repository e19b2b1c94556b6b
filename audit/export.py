"""Exports of the log, or of a range of entries, that can be verified offline, see ``audit.verify_export``.

JSON Lines, each with a ``kind``: one ``manifest``, the stretch's checkpoints (``checkpoint``), its entries (``entry``),
and an ``end`` with the SHA-256 of all lines before it, signed by the audit key.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Generator, Mapping
from datetime import UTC, datetime

from django.conf import settings
from django.db import transaction

from audit import chain, checkpoint
from audit.models import AuditEvent
from audit.verification import stored_entries


def export_lines(*, first: int, last: int, with_details: bool) -> Generator[str]:
    """The lines, without line feeds, of an export of the entries from ``first`` to ``last``, as they are read.

    Without details personal values stay out and can not be verified; all else can.
    """
    digest = hashlib.sha256()
    head = ""
    for values in _before_end(first, last, with_details):
        line = json.dumps(values)
        digest.update(f"{line}\n".encode())
        head = str(values.get("hash", head))
        yield line
    yield json.dumps(_end({"kind": "end", "sha256": digest.hexdigest(), "entries": last - first + 1, "hash": head}))


def _before_end(first: int, last: int, with_details: bool) -> Generator[Mapping[str, object]]:
    yield _manifest(first, last, with_details)
    for path in checkpoint.files(settings.CHECKPOINT_DIR, after=first - 1, until=last):
        yield {"kind": "checkpoint", "checkpoint": path.read_text()}
    with transaction.atomic():
        for entry in stored_entries(after=first - 1, until=last):
            yield _entry_line(entry, with_details)


def _manifest(first: int, last: int, with_details: bool) -> dict[str, object]:
    keys = checkpoint.read_keys(settings.AUDIT_KEYS)
    return {
        "kind": "manifest",
        "format": checkpoint.EXPORT_PURPOSE,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "first": first,
        "last": last,
        "previous_hash": AuditEvent.objects.values_list("previous_hash", flat=True).filter(pk=first).first(),
        "details": with_details,
        "public_keys": [checkpoint.public_text(key.public_key()) for key in keys],
    }


def _entry_line(entry: chain.ChainEntry, with_details: bool) -> dict[str, object]:
    line: dict[str, object] = {
        "kind": "entry",
        "sequence": entry.sequence,
        "previous_hash": entry.previous_hash,
        "hash": entry.hash,
        "entry": json.loads(entry.body),
    }
    if with_details and entry.content is not None:
        line |= {"salt": entry.salt, "details": json.loads(entry.content)}
    return line


def _end(values: dict[str, object]) -> dict[str, object]:
    keys = checkpoint.read_keys(settings.AUDIT_KEYS)
    return checkpoint.signed(values, purpose=checkpoint.EXPORT_PURPOSE, key=keys[0]) if keys else values
