"""Rows of the audit pages: entries with links and personal details, and checkpoints."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.apps import apps
from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import models

from audit import checkpoint
from audit.context import Source
from audit.models import AuditEvent, Viewer
from audit.sentences import Part, parts_of

# Whom an entry names is for all who may read the entry; from where somebody else worked is not.
_NAMES = frozenset({"actor", "target"})
_SHOWN_APART = frozenset({"actor", "target", "address", "user_agent"})
# By the app of an action.
ICONS = {
    "accounts": "user",
    "aistrale": "server",
    "audit": "scroll-text",
    "backtests": "history",
    "inference": "message-square",
    "playground": "flask-conical",
    "prompts": "file-text",
    "telemetry": "activity",
    "tokens": "key-round",
    "webhooks": "send",
}
# Who is said to have done what no user did.
_SOURCES: dict[str, str] = {Source.COMMAND: "A command", Source.SYSTEM: "The server"}


@dataclass(frozen=True, slots=True)
class Row:
    """An entry, the personal details that a viewer may see, and the page of its object ('' for none).

    ``name`` is that of the actor, '' where it is not known or not for the viewer.
    """

    event: AuditEvent
    personal: dict[str, Any]
    target_url: str
    name: str = ""

    @property
    def is_erased(self) -> bool:
        return bool(self.event.details_digest) and not hasattr(self.event, "details")

    @property
    def actor(self) -> str:
        """A name, or what there is instead."""
        if self.event.actor is None:
            return _SOURCES.get(self.event.source, "Someone")
        return self.name or str(self.personal.get("actor") or "Deleted user")

    @property
    def sentence(self) -> list[Part]:
        """What was done, in words that follow the actor."""
        values = {**self.personal, **self.event.before, **self.event.after}
        return parts_of(self.event.action, values | {"target": self.target})

    @property
    def icon(self) -> str:
        return ICONS.get(self.event.action.partition(":")[0], "circle")

    @property
    def target(self) -> str:
        """A name or, where there is none, the id."""
        return str(self.personal.get("target") or self.event.target_id)

    @property
    def more(self) -> dict[str, Any]:
        """Further personal details: what was typed, what was filtered for."""
        return {name: value for name, value in self.personal.items() if name not in _SHOWN_APART}


class Change(NamedTuple):
    """One value before and after; as text, '' where there was none."""

    name: str
    before: str
    after: str

    @property
    def differs(self) -> bool:
        return self.before != self.after


def personal_of(event: AuditEvent, viewer: Viewer) -> dict[str, Any]:
    """The personal details of an entry that a viewer may see; none when they were erased."""
    if viewer.is_administrator or event.actor in (None, viewer.audit_id):
        return event.personal
    return {name: value for name, value in event.personal.items() if name in _NAMES}


def changes_of(event: AuditEvent) -> list[Change]:
    names = sorted({*event.before, *event.after})
    return [Change(name, _text(event.before, name), _text(event.after, name)) for name in names]


def rows_of(events: Sequence[AuditEvent], viewer: Viewer) -> list[Row]:
    """What pages show of entries to a viewer."""
    urls, names = _urls(events), _names(events)
    return [_row(event, viewer, urls, names) for event in events]


def _row(event: AuditEvent, viewer: Viewer, urls: dict[int, str], names: dict[UUID, str]) -> Row:
    personal = personal_of(event, viewer)
    name = names.get(event.actor, "") if event.actor and personal.get("actor") else ""
    return Row(event, personal, urls.get(event.sequence, ""), name)


def _names(events: Iterable[AuditEvent]) -> dict[UUID, str]:
    """Of the users who still have an account, by audit ID."""
    users = get_user_model()._default_manager.filter(audit_id__in={event.actor for event in events if event.actor})
    return {user.audit_id: user.get_full_name() for user in users}


def _urls(events: Iterable[AuditEvent]) -> dict[int, str]:
    """The pages of the objects that entries are about, by sequence, where there still are such objects and pages."""
    by_type: dict[str, list[AuditEvent]] = defaultdict(list)
    for event in events:
        by_type[event.target_type].append(event)
    urls: dict[int, str] = {}
    for target_type, about in by_type.items():
        pages = _pages(target_type, {event.target_id for event in about})
        urls |= {event.sequence: pages[event.target_id] for event in about if event.target_id in pages}
    return urls


def _pages(target_type: str, ids: set[str]) -> dict[str, str]:
    try:
        model: type[models.Model] = apps.get_model(target_type)
    except (LookupError, ValueError):
        return {}
    if not hasattr(model, "get_absolute_url"):
        return {}
    found = model._default_manager.filter(pk__in=ids)
    return {str(instance.pk): instance.get_absolute_url() for instance in found}


def _text(values: dict[str, Any], name: str) -> str:
    value = values.get(name)
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class CheckpointRow:
    """``problem`` is '' where the signature is right and the log agrees; ``time`` is None where it cannot be read."""

    sequence: int
    key: str
    time: datetime | None
    problem: str


def newest_checkpoints(count: int) -> tuple[list[CheckpointRow], int]:
    """The newest first, and how many there are in all."""
    paths = checkpoint.files(settings.CHECKPOINT_DIR)
    newest = paths[: -count - 1 : -1]
    keys = [key.public_key() for key in checkpoint.read_keys(settings.AUDIT_KEYS)]
    stored = dict(
        AuditEvent.objects.filter(pk__in=[1, *map(checkpoint.sequence_of, newest)]).values_list("sequence", "hash")
    )
    return [_checkpoint_row(path, keys, stored) for path in newest], len(paths)


def _checkpoint_row(path: Path, keys: list[Ed25519PublicKey], stored: dict[int, str]) -> CheckpointRow:
    number = checkpoint.sequence_of(path)
    try:
        text = path.read_text()
        read = checkpoint.parse(text, keys)
        time, key = datetime.fromisoformat(read.time), str(json.loads(text)["key"])
    except (OSError, ValueError) as error:
        return CheckpointRow(number, "", None, str(error))
    if read.sequence != number:
        return CheckpointRow(number, key, time, f"it is of entry {read.sequence}")
    if (stored.get(number), stored.get(1)) != (read.hash, read.chain):
        return CheckpointRow(number, key, time, "the log differs" if number in stored else "the log ends before it")
    return CheckpointRow(number, key, time, "")
