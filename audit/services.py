"""Writing the audit log. Entries are appended one at a time, in the transaction of the change they record."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol
from uuid import UUID

import pgtrigger
from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import connection, models, transaction
from prometheus_client import Histogram

from audit import chain, checkpointer
from audit.actions import Action, AuditAction, Outcome
from audit.context import current
from audit.models import AuditDetails, AuditEvent
from audit.text import replace_unstorable

_APPEND = "SELECT sequence, previous_hash, hash, body FROM audit_append(%s::text[], %s::text[], %s::text[])"
_APPENDING = Histogram("aistrale_audit_append_seconds", "How long it takes to append to the audit log")
_SECRET_KEY = re.compile(
    r"(^|_)(password|passwd|passphrase|secret|credential|cookie|authorization|session_key|api_?key|private_key|"
    r"master_key|data_key|ciphertext|plaintext|token_value|token)s?$"
)
_HARMLESS_COUNTS = frozenset({"tokens", "max_tokens", "input_tokens", "output_tokens"})
_LONGEST_TEXT = 300


@dataclass(frozen=True, slots=True)
class _Entry:
    """What is going to be appended; ``event`` gets its place in the chain when it is."""

    event: AuditEvent
    body: Mapping[str, Any]
    salt: str
    content: str | None


_gathered: ContextVar[list[_Entry] | None] = ContextVar("gathered", default=None)


class Actor(Protocol):
    """A user as the audit log knows them."""

    @property
    def audit_id(self) -> UUID: ...
    @property
    def role(self) -> str: ...
    @property
    def email(self) -> str: ...


def record(
    *,
    action: Action,
    actor: Actor | None,
    target: models.Model | None = None,
    outcome: Outcome = Outcome.SUCCESS,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    details: Mapping[str, Any] | None = None,
) -> AuditEvent:
    """Appends an entry to the log, as the last statement of the transaction that makes the change.

    ``before`` and ``after`` stay for ever: no secrets (a key that names one raises ValueError), no personal data.
    ``details`` is for personal data: it lies beside the entry and goes when its person is erased.
    Until the transaction ends no other entry can be appended. Raises TransactionManagementError outside a transaction.
    """
    content = {"actor": actor.email if actor else None, "target": _label(target), **(details or {})}
    return _write(_entry(action, actor, _described(target), outcome, before, after, content))


def entry_columns(
    *, action: Action, actor: Actor, target: models.Model, after: Mapping[str, Any]
) -> tuple[str, str, str | None]:
    """Body, salt and content of one entry, for a statement that calls ``audit_append`` itself. As for ``record``.

    A statement that has appended number n tells ``appended(n)``.
    """
    content = {"actor": actor.email, "target": _label(target)}
    return _columns(_entry(action, actor, _described(target), Outcome.SUCCESS, None, after, content))


def appended(*sequences: int) -> None:
    """Writes a checkpoint, after the commit, where it is due by one of these entries."""
    if any(sequence % settings.CHECKPOINT_ENTRIES == 0 for sequence in sequences):
        transaction.on_commit(checkpointer.write_if_due, robust=True)


@contextmanager
def batch() -> Iterator[None]:
    """Appends what is recorded inside when it ends, in one go: the log is locked once, and for a shorter time.

    For the inside of one transaction; none of what is recorded may be in a savepoint that is rolled back by itself.
    Until the end, the events that ``record`` returns are blank. Within another one it leaves all to that.
    """
    if _gathered.get() is not None:
        yield
        return
    entries: list[_Entry] = []
    token = _gathered.set(entries)
    try:
        yield
    finally:
        _gathered.reset(token)
    _append(entries)


def record_denied(
    *,
    action: Action,
    actor: Actor | None,
    target: models.Model | None = None,
    outcome: Outcome = Outcome.DENIED,
    details: Mapping[str, Any] | None = None,
) -> AuditEvent:
    """Records an attempt that was refused or failed, after its own transaction was rolled back.

    Raises RuntimeError inside a transaction, since the entry would be lost with it.
    """
    with transaction.atomic(durable=True):
        return record(action=action, actor=actor, target=target, outcome=outcome, details=details)


def erase_details(*, audit_id: UUID, actor: Actor | None) -> int:
    """Destroys the personal details of every entry by or about a person; returns how many. The chain stays valid.

    To be the last thing recorded of a person, since entries written later get details again.
    """
    about = AuditEvent.objects.filter(models.Q(actor=audit_id) | models.Q(owner=audit_id))
    with transaction.atomic():
        with pgtrigger.ignore("audit.AuditDetails:refuse_delete"):
            count, _ = AuditDetails.objects.filter(event__in=about).delete()
        person = _Target(get_user_model()._meta.label_lower, str(audit_id), str(audit_id))
        content = {"actor": actor.email} if actor and actor.audit_id != audit_id else None
        _write(_entry(AuditAction.DETAILS_ERASE, actor, person, Outcome.SUCCESS, None, {"entries": count}, content))
    return count


def refuse_secrets(values: object) -> None:
    """Raises ValueError if a key at any depth of ``values`` names a secret."""
    if isinstance(values, Mapping):
        for key, value in values.items():
            name = str(key).lower().replace("-", "_")
            if _SECRET_KEY.search(name) and name not in _HARMLESS_COUNTS:
                raise ValueError(f"{key!r} looks like a secret, and secrets are not audited")
            refuse_secrets(value)
    elif isinstance(values, list):
        for value in values:
            refuse_secrets(value)


class _Target(NamedTuple):
    target_type: str = ""
    target_id: str = ""
    owner: str | None = None


def _described(target: models.Model | None) -> _Target:
    """Users go by their pseudonym; whatever has an ``owner`` or ``user`` belongs to that user."""
    if target is None:
        return _Target()
    pseudonym = getattr(target, "audit_id", None)
    owner = target if pseudonym else getattr(target, "owner", None) or getattr(target, "user", None)
    owner_id = getattr(owner, "audit_id", None)
    return _Target(target._meta.label_lower, str(pseudonym or target.pk), str(owner_id) if owner_id else None)


def _label(target: models.Model | None) -> str | None:
    return str(target) if target is not None else None


def _write(entry: _Entry) -> AuditEvent:
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("an audit entry is written in the transaction of its change")
    gathered = _gathered.get()
    if gathered is None:
        _append([entry])
    else:
        gathered.append(entry)
    return entry.event


def _entry(
    action: Action,
    actor: Actor | None,
    target: _Target,
    outcome: Outcome,
    before: Mapping[str, Any] | None,
    after: Mapping[str, Any] | None,
    personal: Mapping[str, Any] | None,
) -> _Entry:
    refuse_secrets([before, after, personal])
    salt, content = secrets.token_hex(16), _content(personal)
    body = {
        "action": action.value,
        "actor": str(actor.audit_id) if actor else None,
        "role": str(actor.role) if actor else "",
        **target._asdict(),
        "outcome": outcome.value,
        "source": current().source.value,
        "request_id": current().request_id,
        "before": before,
        "after": after,
        "details_digest": chain.details_digest(salt, content) if content else None,
    }
    return _Entry(AuditEvent(), body, salt, content)


def _content(personal: Mapping[str, Any] | None) -> str | None:
    if personal is None:
        return None
    context = {"address": current().address, "user_agent": current().user_agent}
    filled = {key: value for key, value in (context | dict(personal)).items() if value not in (None, "")}
    return _canonical(filled) if filled else None


def _canonical(values: Mapping[str, Any]) -> str:
    return chain.canonical(replace_unstorable(values, longest=_LONGEST_TEXT))


def _append(entries: Sequence[_Entry]) -> None:
    if not entries:
        return
    with _APPENDING.time(), connection.cursor() as cursor:
        cursor.execute(_APPEND, [list(column) for column in zip(*map(_columns, entries), strict=True)])
        rows = cursor.fetchall()
    for entry, row in zip(entries, rows, strict=True):
        event = entry.event
        event.sequence, event.previous_hash, event.hash, event.body = row
    appended(*(entry.event.sequence for entry in entries))


def _columns(entry: _Entry) -> tuple[str, str, str | None]:
    """As ``audit_append`` takes them, which adds the time to the body."""
    return _canonical(entry.body), entry.salt, entry.content
