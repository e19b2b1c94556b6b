from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from psycopg import sql
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from accounts.models import Invitation, Role, User
from accounts.people import invitations
from accounts.people.services import LastAdministrator
from accounts.personal_data.erasure import erase_user, erasure_list
from accounts.profile.api_keys import create
from audit.models import AuditDetails, AuditEvent
from audit.verification import verify_stored

ClientOf = Callable[[User], Client]
ERASE = "/account/erase/"


@pytest.fixture(autouse=True)
def _directory(settings: Settings, tmp_path: Path) -> None:
    settings.CHECKPOINT_DIR = tmp_path / "checkpoints"


def tables_with(text: str) -> list[str]:
    """Those with a row in which ``text`` stands anywhere."""
    with connection.cursor() as cursor:
        found = []
        for table in connection.introspection.table_names(cursor):
            query = sql.SQL("SELECT FROM {} AS t WHERE t::text ILIKE %s LIMIT 1").format(sql.Identifier(table))
            cursor.execute(query, [f"%{text}%"])
            if cursor.fetchone() is not None:
                found.append(table)
    return found


def is_right() -> bool:
    return verify_stored(heads={}).violation is None


def test_nothing_personal_stays(alice: User, admin: User, mark: str) -> None:
    assert tables_with(mark) and tables_with(alice.email)
    erase_user(user=alice, actor=admin)
    assert tables_with(mark) == tables_with(alice.email) == tables_with("said-by-alice") == []
    assert is_right()


def test_erasing_oneself_leaves_nothing_either(alice: User, admin: User, mark: str) -> None:
    erase_user(user=alice, actor=alice)
    assert tables_with(mark) == tables_with(alice.email) == []
    assert is_right()


def test_nothing_of_others_goes(alice: User, bob: User, admin: User, client_of: ClientOf, mark: str) -> None:
    client = client_of(bob)
    create(user=bob, label="Mine", expires_at=None)
    details = AuditDetails.objects.filter(event__actor=bob.audit_id).count()
    erase_user(user=alice, actor=admin)
    assert client.get("/").status_code == 200
    assert AuditDetails.objects.filter(event__actor=bob.audit_id).count() == details > 0


def test_it_is_recorded(alice: User, admin: User, mark: str) -> None:
    erase_user(user=alice, actor=admin)
    event = AuditEvent.objects.get(action="accounts:user:erase")
    assert (event.actor, event.target_id) == (admin.audit_id, str(alice.audit_id))
    others = {"files": 0, "prompts": 0, "prompts_handed_over": 0, "webhooks": 0, "playgrounds": 0}
    others |= {"backtests": 0, "ratings": 0, "saved_views": 0, "topics": 0}
    assert event.after == {"conversations": 1, "tokens": 1, "calls": 1, "teams": 1, "keys": 1, **others}
    assert AuditEvent.objects.latest("sequence").action == "audit:details:erase"


def test_the_last_administrator_cannot_be_erased(admin: User, alice: User) -> None:
    with pytest.raises(LastAdministrator):
        erase_user(user=admin, actor=admin)
    assert User.objects.filter(pk=admin.pk).exists() and not AuditEvent.objects.exists()


def test_it_is_all_or_nothing(alice: User, admin: User, mark: str) -> None:
    """Here the log cannot be written."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE audit_auditevent ADD CONSTRAINT full_disk CHECK (body NOT LIKE '%user:erase%')")
    with pytest.raises(Exception, match="full_disk"):
        erase_user(user=alice, actor=admin)
    assert User.objects.filter(pk=alice.pk).exists() and tables_with(mark)


def test_an_invitation_leaves_nothing(admin: User) -> None:
    first = invitations.invite(email="dora@example.org", role=Role.ENGINEER, actor=admin, name="Dora")
    second = invitations.invite(email="dora@example.org", role=Role.ENGINEER, actor=admin, name="Dora")
    assert first.invitation.audit_id == second.invitation.audit_id
    token = second.link.rstrip("/").rpartition("/")[2]
    dora = invitations.accept(token=token, name="Dora", password="an engine that weaves")
    erase_user(user=dora, actor=admin)
    assert tables_with("dora@") == [] and is_right()


def test_an_invitation_that_was_not_needed_leaves_nothing(admin: User) -> None:
    invitations.invite(email="dora@example.org", role=Role.ENGINEER, actor=admin)
    dora = User.objects.create_user(email="dora@example.org")
    erase_user(user=dora, actor=admin)
    assert tables_with("dora@") == [] and is_right()


def test_whoever_had_the_address_before_keeps_what_is_theirs(admin: User) -> None:
    """Dora was invited and has another address now; somebody else got the old one."""
    link = invitations.invite(email="dora@example.org", role=Role.ENGINEER, actor=admin).link
    token = link.rstrip("/").rpartition("/")[2]
    first = invitations.accept(token=token, name="Dora", password="an engine that weaves")
    User.objects.filter(pk=first.pk).update(email="d@example.org")
    known = AuditDetails.objects.filter(event__owner=first.audit_id).count()
    erase_user(user=User.objects.create_user(email="dora@example.org"), actor=admin)
    assert AuditDetails.objects.filter(event__owner=first.audit_id).count() == known > 0
    assert Invitation.objects.get().user == first


def test_people_erase_themselves(confirmed_client_of: ClientOf, alice: User, admin: User) -> None:
    client = confirmed_client_of(alice)
    other = confirmed_client_of(alice)
    page = client.post(ERASE, {"email": "ALICE@example.org"})
    assert page.status_code == 200 and "Your account is deleted" in page.content.decode()
    assert client.get("/").status_code == other.get("/").status_code == 302
    assert not User.objects.filter(pk=alice.pk).exists()
    assert tables_with("alice@") == [] and is_right()


@pytest.mark.parametrize("typed", ["", "bob@example.org"])
def test_it_wants_the_address_typed(confirmed_client_of: ClientOf, alice: User, typed: str) -> None:
    assert confirmed_client_of(alice).post(ERASE, {"email": typed}).status_code == 422
    assert User.objects.filter(pk=alice.pk).exists()


def test_nothing_is_erased_by_get(confirmed_client_of: ClientOf, alice: User) -> None:
    page = confirmed_client_of(alice).get(ERASE, {"email": alice.email})
    assert alice.email in page.content.decode() and User.objects.filter(pk=alice.pk).exists()


def test_the_page_says_why_the_last_administrator_stays(confirmed_client_of: ClientOf, admin: User) -> None:
    page = confirmed_client_of(admin).post(ERASE, {"email": admin.email})
    assert page.status_code == 422 and "last active administrator" in page.content.decode()


def test_administrators_erase_others(confirmed_client_of: ClientOf, admin: User, alice: User) -> None:
    page = confirmed_client_of(admin).post(f"/people/{alice.pk}/erase/", {"email": alice.email}, follow=True)
    assert "Account deleted" in page.content.decode() and not User.objects.filter(pk=alice.pk).exists()
    assert AuditEvent.objects.get(action="accounts:user:erase").actor == admin.audit_id


def test_engineers_erase_nobody_else(confirmed_client_of: ClientOf, alice: User, bob: User) -> None:
    assert confirmed_client_of(alice).post(f"/people/{bob.pk}/erase/", {"email": bob.email}).status_code == 403
    assert User.objects.filter(pk=bob.pk).exists()


def test_calls_show_an_erased_person(client_of: ClientOf, admin: User, alice: User, mark: str) -> None:
    erase_user(user=alice, actor=admin)
    assert "Deleted user" in client_of(admin).get("/telemetry/").content.decode()


def test_an_erasure_is_repeated_after_a_restore(
    alice: User, admin: User, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        erase_user(user=alice, actor=admin)
    back = come_back("alice", alice.audit_id)
    call_command("replay_erasures", "--dry-run")
    assert User.objects.filter(pk=back.pk).exists()
    call_command("replay_erasures")
    call_command("replay_erasures")
    assert not User.objects.filter(pk=back.pk).exists()
    assert tables_with("alice@") == [] and is_right()


def test_an_erasure_is_repeated_from_an_export(alice: User, admin: User, tmp_path: Path) -> None:
    erase_user(user=alice, actor=admin)
    export = tmp_path / "audit.jsonl"
    call_command("export_audit", "--output", str(export))
    back = come_back("alice", alice.audit_id)
    call_command("replay_erasures", "--from", str(export))
    assert list(User.objects.values_list("pk", flat=True)) == [admin.pk] != [back.pk]


@pytest.mark.django_db(transaction=True)
def test_it_repeats_the_erasure_of_everybody_but_a_last_administrator(
    admin: User, alice: User, bob: User, capsys: pytest.CaptureFixture[str]
) -> None:
    erasure_list().parent.mkdir(parents=True)
    erasure_list().write_text("".join(f"{user.audit_id} 2026-01-01T00:00:00+00:00\n" for user in (alice, admin, bob)))
    with pytest.raises(CommandError, match=f"{admin.audit_id} is not erased: .* last active administrator") as refusal:
        call_command("replay_erasures")
    assert refusal.value.returncode == 1
    assert "2 erased, 0 had already been erased." in capsys.readouterr().out
    kept = User.objects.get()
    assert (kept.audit_id, kept.email, kept.is_administrator) == (admin.audit_id, admin.email, True)


@pytest.mark.django_db(transaction=True)
def test_it_records_that_a_last_administrator_was_not_erased_again(admin: User, client_of: ClientOf) -> None:
    client = client_of(admin)
    erasure_list().parent.mkdir(parents=True)
    erasure_list().write_text(f"{admin.audit_id} 2026-01-01T00:00:00+00:00\n")
    before = tables_with(admin.email)
    with pytest.raises(CommandError):
        call_command("replay_erasures")
    event = AuditEvent.objects.get()
    facts = (event.action, event.outcome, event.actor, event.source, event.target_id)
    assert facts == ("accounts:user:erase", "denied", None, "command", str(admin.audit_id))
    assert "last active administrator" in event.details.personal["reason"]
    assert set(tables_with(admin.email)) - set(before) <= {"audit_auditdetails"}
    assert client.get("/").status_code == 200, "the sessions have ended all the same"


@pytest.mark.parametrize("text", [None, "no pseudonym\n", "{not json\n", "[]\n"])
def test_it_says_what_it_cannot_read(tmp_path: Path, text: str | None, db: None) -> None:
    file = tmp_path / "list"
    if text is not None:
        file.write_text(text)
    with pytest.raises(CommandError) as refusal:
        call_command("replay_erasures", "--from", str(file))
    assert refusal.value.returncode == 2


def come_back(name: str, audit_id: UUID) -> User:
    """As from a dump that is older than the erasure."""
    return User.objects.create(email=f"{name}@example.org", name=name.title(), audit_id=audit_id)
