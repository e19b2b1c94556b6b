"""Erasing a user: personal data is deleted or made anonymous, and the audit log stays valid."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.db import transaction

from accounts.actions import AccountsAction
from accounts.models import Invitation, User
from accounts.people.services import last_administrator_guard
from accounts.personal_data.registry import handlers
from accounts.sessions.services import end_sessions
from audit.actions import AuditAction
from audit.services import batch, erase_details, record

# Beside the checkpoints, which are kept where no restored database comes from.
FILE_NAME = "erased-people"


def erase_user(*, user: User, actor: User | None) -> None:
    """Sessions and running calls end, too. ``actor`` None is the operator. Raises LastAdministrator."""
    pseudonym = user.audit_id
    with last_administrator_guard(user, AccountsAction.USER_ERASE):
        # From here on nothing new can belong to the user: its foreign key would have to wait for this.
        person = User.objects.select_for_update().get(pk=user.pk)
        # The database says now whether this is the last administrator: sessions that have ended do not come back.
        User.objects.filter(pk=person.pk).update(is_active=False)
        others = _pseudonyms_before(person)
        with batch():
            end_sessions(user=person, actor=actor)
            counts = {kind: count for handler in handlers() for kind, count in handler.erase(person, actor).items()}
            person.delete()
            record(action=AccountsAction.USER_ERASE, actor=actor, target=person, after=counts)
        for each in [*others, pseudonym]:
            erase_details(audit_id=each, actor=actor)
        transaction.on_commit(partial(append_to_erasure_list, pseudonym), robust=True)


def _pseudonyms_before(person: User) -> list[UUID]:
    """Under which invitations of that address are recorded that somebody else's step has made unnecessary."""
    unused = Invitation.objects.filter(email=person.email, user=None)
    # Of several to one address, another may have been used.
    others = unused.exclude(audit_id__in=User.objects.values("audit_id"))
    return list(others.order_by().values_list("audit_id", flat=True).distinct())


def erasure_list() -> Path:
    return Path(settings.CHECKPOINT_DIR) / FILE_NAME


def append_to_erasure_list(pseudonym: UUID) -> None:
    """Adds to the list by which ``replay_erasures`` repeats erasures after an older database was restored."""
    erasure_list().parent.mkdir(parents=True, exist_ok=True)
    with erasure_list().open("a") as file:
        file.write(f"{pseudonym} {datetime.now(UTC).isoformat(timespec='seconds')}\n")


def pseudonyms(lines: Iterable[str]) -> Iterator[UUID]:
    """Of erased people, from the lines of that list or of an export of the audit log. Raises ValueError."""
    for line in filter(None, map(str.strip, lines)):
        if not line.startswith("{"):
            yield UUID(line.split()[0])
            continue
        entry = json.loads(line).get("entry", {})
        if entry.get("action") == AuditAction.DETAILS_ERASE:
            yield UUID(entry["target_id"])
