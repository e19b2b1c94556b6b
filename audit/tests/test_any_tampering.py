"""Any tampering, at any place of a log of any length."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
from django.db import connection, transaction
from pytest_django import Settings

from accounts.actions import AccountsAction
from accounts.models import User
from audit import chain, checkpointer, services
from audit.models import AuditEvent
from audit.verification import known_heads, verify_stored

_COPY = (
    "UPDATE audit_auditevent a SET body = b.body, hash = b.hash, previous_hash = b.previous_hash "
    "FROM audit_auditevent b WHERE "
)
_MAKE_ROOM = (
    "DELETE FROM audit_auditdetails; "
    "UPDATE audit_auditevent SET sequence = -sequence - 1 WHERE sequence >= {n}; "
    "UPDATE audit_auditevent SET sequence = -sequence WHERE sequence < 0; "
    "INSERT INTO audit_auditevent (sequence, previous_hash, hash, body) "
    "SELECT {n}, previous_hash, hash, {body} FROM audit_auditevent WHERE sequence = {n} - 1"
)
_DELETE = "DELETE FROM audit_auditdetails WHERE event_id {which}; DELETE FROM audit_auditevent WHERE sequence {which}"
# By name: what is done to entry n, and the first bad entry then. The log is at least 6 entries long.
TAMPERINGS: dict[str, tuple[str, str]] = {
    "edited": ("UPDATE audit_auditevent SET body = replace(body, 'success', 'denied') WHERE sequence = {n}", "n"),
    "first edited": ("UPDATE audit_auditevent SET body = replace(body, 'success', 'failed') WHERE sequence = 1", "1"),
    "deleted": (_DELETE.format(which="= {n}"), "n"),
    "first deleted": (_DELETE.format(which="= 1"), "1"),
    "last deleted": (_DELETE.format(which="= {last}"), "last"),
    "swapped": (_COPY + "(a.sequence, b.sequence) IN (({n}, {n} + 1), ({n} + 1, {n}))", "n"),
    "inserted": (_MAKE_ROOM.replace("{body}", "replace(body, 'success', 'denied')"), "details"),
    "duplicated": (_MAKE_ROOM.replace("{body}", "body"), "details"),
    "emptied": ("TRUNCATE audit_auditevent, audit_auditdetails", "1"),
    "computed anew": ("", "1"),
}


@pytest.mark.fault
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("tampering", TAMPERINGS)
def test_it_names_the_first_bad_entry(
    tampering: str,
    alice: User,
    checkpoints: Path,
    settings: Settings,
    chance: Random,
    check_invariants: Callable[..., None],
) -> None:
    settings.CHECKPOINT_ENTRIES = chance.randint(1, 3)
    last = chance.randint(6, 20)
    for _ in range(last):
        with transaction.atomic():
            services.record(action=AccountsAction.USER_UPDATE, actor=alice)
    settings.CHECKPOINT_ENTRIES = 1
    checkpointer.write_if_due()
    n = chance.randint(2, last - 1)
    statements, expected = TAMPERINGS[tampering]
    # Entries that lost their details are bad too, but that is only asked where the chain is right.
    first_bad = {"n": n, "1": 1, "last": last, "details": n}[expected]
    with transaction.atomic():
        _tamper(statements.format(n=n, last=last))
        result = verify_stored(heads=known_heads(checkpoints))
        transaction.set_rollback(True)
    assert result.violation is not None and result.violation.sequence == first_bad, result.violation
    check_invariants()


def _tamper(statements: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for table in ("audit_auditevent", "audit_auditdetails"):
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        for statement in filter(str.strip, statements.split(";")):
            cursor.execute(statement)
    if not statements:
        _compute_anew()


def _compute_anew() -> None:
    previous = chain.GENESIS
    for event in AuditEvent.objects.order_by("sequence"):
        body = event.body.replace("success", "denied")
        digest = chain.entry_hash(event.sequence, previous, body)
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE audit_auditevent SET previous_hash = %s, hash = %s, body = %s WHERE sequence = %s",
                [previous, digest, body, event.sequence],
            )
        previous = digest
