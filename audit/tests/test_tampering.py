"""What somebody with the database's own rights does to the log is found, and named by its first entry."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.models import Value
from django.db.models.functions import Replace
from pytest_django import Settings

from audit import chain
from audit.models import AuditDetails, AuditEvent


@pytest.fixture(autouse=True)
def _triggers_disabled(log: Path) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE audit_auditevent DISABLE TRIGGER USER")
        cursor.execute("ALTER TABLE audit_auditdetails DISABLE TRIGGER USER")


def tamper(*statements: str) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def edit(sequence: int) -> None:
    AuditEvent.objects.filter(pk=sequence).update(body=Replace("body", Value("success"), Value("denied")))


def delete(*sequences: int) -> None:
    AuditDetails.objects.filter(pk__in=sequences).delete()
    AuditEvent.objects.filter(pk__in=sequences).delete()


def found() -> str:
    with pytest.raises(CommandError) as error:
        call_command("verify_audit")
    assert error.value.returncode == 1
    return str(error.value).removeprefix("Verification failed. First invalid ")


def rewrite(first: int, old: str, new: str) -> None:
    """Changes entries from ``first`` on and computes all hashes anew, as the server would have."""
    previous = AuditEvent.objects.values_list("previous_hash", flat=True).get(pk=first)
    for event in AuditEvent.objects.filter(pk__gte=first).order_by("sequence"):
        body = event.body.replace(old, new)
        digest = chain.entry_hash(event.sequence, previous, body)
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE audit_auditevent SET previous_hash = %s, hash = %s, body = %s WHERE sequence = %s",
                [previous, digest, body, event.sequence],
            )
        previous = digest


def test_it_finds_nothing_wrong_with_an_untouched_log(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("verify_audit")
    assert capsys.readouterr().out.startswith("The audit log is verified: 6 entries up to 6")


@pytest.mark.parametrize("sequence", [1, 3, 6])
def test_it_finds_an_edited_entry(sequence: int) -> None:
    edit(sequence)
    assert found().startswith(f"entry {sequence}: its content does not match its hash")


@pytest.mark.parametrize("sequence", [1, 3])
def test_it_finds_a_deleted_entry(sequence: int) -> None:
    delete(sequence)
    assert found() == f"entry {sequence}: it is missing."


def test_it_finds_a_cut_tail() -> None:
    delete(5, 6)
    assert found() == "entry 5: it is missing: a signed checkpoint knows 6 entries."


def test_it_finds_an_emptied_table() -> None:
    tamper("TRUNCATE audit_auditevent, audit_auditdetails")
    assert found() == "entry 1: it is missing: a signed checkpoint knows 6 entries."


def test_it_finds_an_inserted_entry() -> None:
    tamper(
        "DELETE FROM audit_auditdetails",
        "UPDATE audit_auditevent SET sequence = -sequence - 1 WHERE sequence > 3",
        "UPDATE audit_auditevent SET sequence = -sequence WHERE sequence < 0",
        "INSERT INTO audit_auditevent (sequence, previous_hash, hash, body) "
        "SELECT 4, hash, hash, body FROM audit_auditevent WHERE sequence = 3",
    )
    assert found().startswith("entry 4: its content does not match its hash")


def test_it_finds_two_swapped_entries() -> None:
    tamper(
        "UPDATE audit_auditevent a SET body = b.body, hash = b.hash, previous_hash = b.previous_hash "
        "FROM audit_auditevent b WHERE (a.sequence, b.sequence) IN ((2, 4), (4, 2))"
    )
    assert found().startswith("entry 2: its content does not match its hash")


def test_it_finds_a_copy_in_the_place_of_an_entry() -> None:
    tamper(
        "UPDATE audit_auditevent a SET body = b.body, hash = b.hash, previous_hash = b.previous_hash "
        "FROM audit_auditevent b WHERE (a.sequence, b.sequence) = (3, 2)"
    )
    assert found().startswith("entry 3: its content does not match its hash")


def test_it_finds_a_chain_computed_anew() -> None:
    rewrite(1, "success", "denied")
    assert found().startswith("entry 1: it differs from the signed checkpoint")


def test_it_finds_an_end_computed_anew() -> None:
    rewrite(3, "success", "denied")
    assert found().startswith("entry 4: it differs from the signed checkpoint")


def test_it_finds_changed_details() -> None:
    tamper("UPDATE audit_auditdetails SET content = replace(content, 'alice', 'bob') WHERE event_id = 5")
    assert found() == "entry 5: its personal details do not match their digest."


def test_it_finds_details_deleted_without_an_erasure() -> None:
    tamper("DELETE FROM audit_auditdetails WHERE event_id = 2")
    assert found() == "entry 2: its personal details are gone, and no entry records their erasure."


def test_it_finds_a_changed_checkpoint(log: Path) -> None:
    path = log / "checkpoint-000000000000006.json"
    path.write_text(path.read_text().replace('"sequence":6', '"sequence":5'))
    with pytest.raises(CommandError, match="checkpoint-000000000000006.json: its signature is wrong"):
        call_command("verify_audit")


def test_it_verifies_from_any_entry() -> None:
    edit(2)
    call_command("verify_audit", "--from", "3")
    assert found().startswith("entry 2:")


def test_it_can_not_begin_at_an_entry_whose_forerunner_is_missing() -> None:
    delete(2)
    with pytest.raises(CommandError, match="entry 2: it is missing"):
        call_command("verify_audit", "--from", "3")


def test_it_reports_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    delete(3, 4)
    with pytest.raises(SystemExit) as stop:
        call_command("verify_audit", "--json")
    report = json.loads(capsys.readouterr().out)
    assert stop.value.code == 1
    assert (report["right"], report["last"], report["checkpointed_to"]) == (False, 2, 6)
    assert report["problem"] == {"sequence": 3, "reason": "it and all up to 4 are missing"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--checkpoints", "/nowhere/at/all"], "is not a directory"),
        (["--from", "0"], "numbered from 1"),
    ],
)
def test_it_tells_a_log_that_could_not_be_verified_from_a_bad_one(arguments: list[str], message: str) -> None:
    with pytest.raises(CommandError, match=message) as error:
        call_command("verify_audit", *arguments)
    assert error.value.returncode == 2


def test_it_can_not_verify_checkpoints_without_the_key(settings: Settings) -> None:
    settings.AUDIT_KEYS = ""
    with pytest.raises(CommandError, match="AISTRALE_AUDIT_KEY") as error:
        call_command("verify_audit")
    assert error.value.returncode == 2
