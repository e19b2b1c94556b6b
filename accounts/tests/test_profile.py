from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from django.test import Client

from accounts.models import ApiKey, User
from accounts.profile.api_keys import create
from audit.models import AuditEvent

ClientOf = Callable[[User], Client]
PROFILE = "/account/profile/"
FORM = {"name": "Alice A", "time_zone": "Europe/Berlin", "theme": "dark", "default_model": ""}


def test_it_saves_a_profile(client_of: ClientOf, alice: User) -> None:
    page = client_of(alice).post(PROFILE, FORM, follow=True).content.decode()
    alice.refresh_from_db()
    assert (alice.name, alice.time_zone, alice.theme) == ("Alice A", "Europe/Berlin", "dark")
    assert "Profile saved" in page and 'data-theme="dark"' in page


def test_it_records_what_was_changed(client_of: ClientOf, alice: User) -> None:
    client_of(alice).post(PROFILE, FORM)
    event = AuditEvent.objects.get(action="accounts:user:update")
    assert (event.actor, event.after) == (alice.audit_id, {"changed": ["name", "theme", "time_zone"]})
    assert "Alice A" not in event.body


def test_it_records_nothing_where_nothing_changes(client_of: ClientOf, alice: User) -> None:
    client = client_of(alice)
    client.post(PROFILE, FORM)
    client.post(PROFILE, FORM)
    assert AuditEvent.objects.filter(action="accounts:user:update").count() == 1


def test_it_shows_times_in_the_zone(client_of: ClientOf, alice: User) -> None:
    create(user=alice, label="One", expires_at=None)
    ApiKey.objects.update(created_at=datetime(2025, 1, 1, 12, tzinfo=UTC))
    client = client_of(alice)
    client.post(PROFILE, FORM | {"time_zone": "Asia/Tokyo"})
    page = client.get("/account/api-keys/").content.decode()
    assert "01 Jan 2025 21:00" in page and "2025-01-01 12:00:00 UTC" in page


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("time_zone", "Mars/Olympus"),
        ("time_zone", "../../etc/passwd"),
        ("time_zone", ""),
        ("theme", "pink"),
        ("name", "x" * 101),
        ("default_model", "openai/not-listed"),
    ],
)
def test_it_refuses_what_it_does_not_offer(client_of: ClientOf, alice: User, field: str, value: str) -> None:
    assert client_of(alice).post(PROFILE, FORM | {field: value}).status_code == 422
    alice.refresh_from_db()
    assert (alice.name, alice.time_zone, alice.default_model) == ("Alice", "UTC", "")


def test_a_profile_changes_neither_role_nor_address(client_of: ClientOf, alice: User) -> None:
    client_of(alice).post(
        PROFILE, FORM | {"role": "administrator", "email": "x@example.org", "is_active": "", "id": "1"}
    )
    changed = User.objects.get(pk=alice.pk)
    assert (changed.role, changed.email, changed.is_active) == ("engineer", alice.email, True)


def test_it_keeps_a_zone_that_is_not_offered(client_of: ClientOf, alice: User) -> None:
    User.objects.filter(pk=alice.pk).update(time_zone="CET")
    client_of(alice).post(PROFILE, FORM | {"time_zone": "CET"})
    alice.refresh_from_db()
    assert (alice.name, alice.time_zone) == ("Alice A", "CET")
