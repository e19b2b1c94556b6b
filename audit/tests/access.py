"""What this app declares to the tests of every route: see ``aistrale/tests/expectations.py``."""

from __future__ import annotations

from django.db import transaction

from accounts.models import User
from audit.actions import AuditAction
from audit.models import AuditEvent
from audit.services import record


@transaction.atomic
def an_entry(owner: User) -> AuditEvent:
    return record(action=AuditAction.AUDIT_EXPORT, actor=owner)


USERS = {"audit/", "audit/export.csv", "audit/export.jsonl"}
OBJECTS = {"audit/<int:sequence>/": (an_entry, "pk")}
