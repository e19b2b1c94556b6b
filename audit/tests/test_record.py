import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import DatabaseError, connection, transaction

from accounts.actions import AccountsAction
from accounts.models import User
from audit import chain, services
from audit.actions import AuditAction, Outcome
from audit.context import Source, bound
from audit.models import AuditDetails, AuditEvent
from audit.verification import stored_entries


def append(count: int = 1, actor: User | None = None) -> AuditEvent:
    for _ in range(count):
        event = services.record(action=AccountsAction.USER_UPDATE, actor=actor)
    return event


def test_it_records_who_did_what_to_what(alice: User, bob: User) -> None:
    event = services.record(
        action=AccountsAction.USER_ROLE,
        actor=alice,
        target=bob,
        before={"role": "engineer"},
        after={"role": "administrator"},
    )
    event.refresh_from_db()
    assert (event.actor, event.role, event.owner) == (alice.audit_id, "engineer", bob.audit_id)
    assert (event.target_type, event.target_id) == ("accounts.user", str(bob.audit_id))
    assert (event.action, event.outcome) == (AccountsAction.USER_ROLE, Outcome.SUCCESS)
    assert (event.before, event.after) == ({"role": "engineer"}, {"role": "administrator"})


def test_it_records_the_time_to_the_microsecond(db: None) -> None:
    event = append()
    assert event.timestamp == datetime.fromisoformat(event.entry["timestamp"])
    assert timedelta(0) <= datetime.now(UTC) - event.timestamp < timedelta(seconds=10)


def test_it_records_where_a_request_came_from(alice: User) -> None:
    with bound(source=Source.WEB, address="192.0.2.1", user_agent="Firefox", request_id="r-1"):
        event = append(actor=alice)
    assert (event.source, event.request_id) == ("web", "r-1")
    assert event.details.personal == {"actor": "alice@example.org", "address": "192.0.2.1", "user_agent": "Firefox"}


def test_it_numbers_from_1_without_gaps(db: None) -> None:
    with pytest.raises(RuntimeError), transaction.atomic():
        append(2)
        raise RuntimeError
    append(3)
    assert list(AuditEvent.objects.order_by("sequence").values_list("sequence", flat=True)) == [1, 2, 3]


def test_it_keeps_personal_values_out_of_the_hashed_entry(alice: User) -> None:
    with bound(source=Source.WEB, address="192.0.2.1", user_agent="Firefox"):
        event = services.record(
            action=AccountsAction.USER_UPDATE, actor=alice, target=alice, details={"typed": "Alice A."}
        )
    assert not any(value in event.body for value in ["alice@", "192.0.2.1", "Firefox", "Alice"])


def test_it_needs_no_details_for_what_the_system_does(db: None) -> None:
    assert append().details_digest is None
    assert not AuditDetails.objects.exists()


@pytest.mark.parametrize("key", ["api_key", "password", "Client-Secret", "access_token", "token_value", "apikey"])
@pytest.mark.parametrize("place", ["before", "after", "details"])
def test_it_refuses_keys_that_name_a_secret(db: None, key: str, place: str) -> None:
    values: dict[str, Any] = {place: {"fields": [{key: "x"}]}}
    with pytest.raises(ValueError, match="looks like a secret"):
        services.record(action=AccountsAction.API_KEY_CREATE, actor=None, **values)


def test_it_takes_keys_that_only_speak_of_secrets(db: None) -> None:
    after = {"max_tokens": 5, "token_id": 7, "password_changed": True, "key_id": "k1"}
    assert services.record(action=AccountsAction.API_KEY_CREATE, actor=None, after=after).after == after


def test_it_stores_any_text_people_type(db: None) -> None:
    details = {"typed": "a\0b\ud800c\r\n=1+1", "long": "x" * 1000}
    event = services.record(action=AccountsAction.SESSION_LOGIN_FAILED, actor=None, details=details)
    event = AuditEvent.objects.select_related("details").get(pk=event.pk)
    assert event.details.personal["typed"] == "a\ufffdb\ufffdc\r\n=1+1"
    assert len(event.details.personal["long"]) == 300
    assert chain.details_digest(event.details.salt, event.details.content) == event.details_digest


@pytest.mark.django_db(transaction=True)
def test_it_refuses_to_append_outside_a_transaction() -> None:
    with pytest.raises(transaction.TransactionManagementError):
        append()


@pytest.mark.django_db(transaction=True)
def test_it_records_a_refusal_although_the_action_is_rolled_back(bob: User) -> None:
    with pytest.raises(PermissionError), transaction.atomic():
        append()
        raise PermissionError
    services.record_denied(action=AccountsAction.USER_ROLE, actor=bob, target=bob)
    assert list(AuditEvent.objects.values_list("sequence", "outcome")) == [(1, Outcome.DENIED)]


@pytest.mark.django_db(transaction=True)
def test_it_does_not_record_a_refusal_where_a_rollback_would_lose_it() -> None:
    with pytest.raises(RuntimeError, match="durable"), transaction.atomic():
        services.record_denied(action=AccountsAction.USER_ROLE, actor=None)


@pytest.mark.django_db(transaction=True)
def test_it_rolls_the_change_back_when_the_append_fails(alice: User) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE audit_auditevent ADD CONSTRAINT full_disk CHECK (sequence < 1)")
    try:
        with pytest.raises(DatabaseError, match="full_disk"), transaction.atomic():
            User.objects.filter(pk=alice.pk).update(name="Mallory")
            append(actor=alice)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE audit_auditevent DROP CONSTRAINT full_disk")
    alice.refresh_from_db()
    assert alice.name == "Alice"


def test_it_forgets_a_person_and_keeps_the_chain_valid(alice: User, bob: User) -> None:
    append(2, actor=alice)
    services.record(action=AccountsAction.USER_UPDATE, actor=bob, target=alice)
    append(actor=bob)
    assert services.erase_details(audit_id=alice.audit_id, actor=bob) == 3
    kept = [details.content for details in AuditDetails.objects.all()]
    assert len(kept) == 2
    assert not any("alice" in content for content in kept)
    result = chain.verify(stored())
    assert (result.violation, result.entries, result.erased) == (None, 5, 3)


def test_it_remembers_nothing_of_a_person_who_erases_himself(alice: User) -> None:
    append(actor=alice)
    services.erase_details(audit_id=alice.audit_id, actor=alice)
    assert not AuditDetails.objects.exists()


def test_it_records_the_erasure(alice: User, admin: User) -> None:
    append(actor=alice)
    services.erase_details(audit_id=alice.audit_id, actor=admin)
    event = AuditEvent.objects.first()
    assert event is not None
    assert (event.action, event.owner, event.after) == (AuditAction.DETAILS_ERASE, alice.audit_id, {"entries": 1})


def stored() -> list[chain.ChainEntry]:
    columns = ["sequence", "previous_hash", "hash", "body", "details__salt", "details__content"]
    return [chain.ChainEntry(*row) for row in AuditEvent.objects.order_by("sequence").values_list(*columns)]


def test_it_shows_each_person_only_entries_by_and_about_him(alice: User, bob: User, charlie: User, admin: User) -> None:
    mine = append(actor=alice)
    about_me = services.record(action=AccountsAction.USER_ROLE, actor=bob, target=alice)
    append()
    assert list(AuditEvent.objects.visible_to(alice)) == [about_me, mine]
    assert list(AuditEvent.objects.visible_to(bob)) == [about_me]
    assert not AuditEvent.objects.visible_to(charlie).exists()
    assert AuditEvent.objects.visible_to(admin).count() == 3


def test_it_reads_columns_only_from_the_hashed_body(alice: User) -> None:
    event = append(actor=alice)
    body = json.loads(event.body)
    columns = {key: getattr(event, key) for key in body if key not in ("timestamp", "before", "after")}
    assert {key: str(value) if isinstance(value, UUID) else value for key, value in columns.items()} == {
        key: body[key] for key in columns
    }


def test_it_appends_what_is_recorded_together_in_its_order(alice: User) -> None:
    append()
    with transaction.atomic(), services.batch():
        first, second = append(actor=alice), append()
        assert AuditEvent.objects.count() == 1
    assert (first.sequence, second.sequence) == (2, 3)
    assert second.previous_hash == first.hash
    assert list(AuditDetails.objects.values_list("event", flat=True)) == [2]
    with transaction.atomic():
        assert chain.verify(stored_entries()) == chain.VerificationResult(sequence=3, hash=second.hash, entries=3)


def test_it_appends_nothing_together_when_the_action_fails(db: None) -> None:
    with pytest.raises(RuntimeError), transaction.atomic(), services.batch():
        append()
        raise RuntimeError
    append()
    assert AuditEvent.objects.get().sequence == 1


def test_it_locks_the_log_once_for_what_is_recorded_together(
    alice: User, django_assert_num_queries: Callable[[int], AbstractContextManager[None]]
) -> None:
    with django_assert_num_queries(1), services.batch():
        append(7, actor=alice)
    assert AuditDetails.objects.count() == 7
