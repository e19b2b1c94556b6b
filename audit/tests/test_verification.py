"""What the server itself verifies, slice by slice."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from accounts.actions import AccountsAction
from audit import services, verification
from audit.models import AuditDetails, AuditEvent, AuditVerification

if TYPE_CHECKING:
    from accounts.models import User

pytestmark = pytest.mark.usefixtures("log")


@pytest.fixture
def _triggers_disabled(log: Path) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE audit_auditevent DISABLE TRIGGER USER")
        cursor.execute("ALTER TABLE audit_auditdetails DISABLE TRIGGER USER")


def slices(count: int) -> AuditVerification:
    for _ in range(count):
        state = verification.verify_next_slice(2)
    return state


def test_it_verifies_slice_by_slice() -> None:
    assert [slices(1).sequence for _ in range(4)] == [2, 4, 6, 6]
    assert AuditVerification.objects.get().problem == ""


def test_it_goes_on_when_entries_are_added() -> None:
    slices(4)
    services.record(action=AccountsAction.USER_UPDATE, actor=None)
    assert slices(1).sequence == 7


@pytest.mark.usefixtures("_triggers_disabled")
def test_it_finds_a_new_entry_that_is_wrong() -> None:
    AuditEvent.objects.filter(pk=5).update(body="{}")
    state = slices(3)
    assert (state.sequence, state.problem_sequence) == (4, 5)


@pytest.mark.usefixtures("_triggers_disabled")
def test_it_finds_an_old_entry_that_went_wrong_after_it_was_verified() -> None:
    slices(3)
    AuditEvent.objects.filter(pk=2).update(body="{}")
    assert slices(4).problem_sequence == 2


@pytest.mark.usefixtures("_triggers_disabled")
def test_it_finds_that_the_newest_verified_entry_is_gone() -> None:
    slices(3)
    AuditDetails.objects.filter(pk=6).delete()
    AuditEvent.objects.filter(pk=6).delete()
    assert slices(1).problem_sequence == 6


def test_it_finds_a_changed_checkpoint(log: Path) -> None:
    (log / "checkpoint-000000000000004.json").write_text("{}")
    assert "checkpoint-000000000000004.json" in slices(3).problem


def test_it_knows_of_erasures_recorded_later(alice: User) -> None:
    services.erase_details(audit_id=alice.audit_id, actor=None)
    assert slices(4).problem == ""


@pytest.mark.usefixtures("_triggers_disabled")
def test_it_keeps_a_problem_until_the_whole_log_is_found_right() -> None:
    body = AuditEvent.objects.get(pk=2).body
    AuditEvent.objects.filter(pk=2).update(body="{}")
    slices(1)
    AuditEvent.objects.filter(pk=2).update(body=body)
    assert slices(1).problem_sequence == 2
    call_command("verify_audit")
    assert (slices(1).problem, slices(1).sequence) == ("", 6)


@pytest.mark.usefixtures("_triggers_disabled")
def test_it_shows_what_the_command_found() -> None:
    AuditEvent.objects.filter(pk=3).update(body="{}")
    with pytest.raises(CommandError):
        call_command("verify_audit")
    assert AuditVerification.objects.get().problem_sequence == 3
