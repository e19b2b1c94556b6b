from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client

from accounts.models import Role, User
from accounts.people.services import LastAdministrator, update_user
from audit.models import AuditEvent

ClientOf = Callable[[User], Client]
CHANGED = {"email": "admin@example.org", "confirmed": "yes"}


@pytest.mark.parametrize("change", [{"role": Role.ENGINEER}, {"is_active": False}], ids=["demoted", "deactivated"])
def test_the_last_administrator_stays(admin: User, change: dict[str, object]) -> None:
    for name, value in change.items():
        setattr(admin, name, value)
    with pytest.raises(LastAdministrator):
        update_user(user=admin, actor=admin)
    assert User.objects.administrators().get() == admin
    assert not AuditEvent.objects.exists()


def test_one_of_two_administrators_may_go(admin: User, alice: User) -> None:
    User.objects.filter(pk=alice.pk).update(role=Role.ADMINISTRATOR)
    admin.role = Role.ENGINEER
    update_user(user=admin, actor=admin)
    assert User.objects.administrators().get() == alice


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE accounts_user SET role = 'engineer'",
        "UPDATE accounts_user SET is_active = false",
        "DELETE FROM accounts_user",
    ],
)
def test_the_database_itself_keeps_an_administrator(admin: User, alice: User, statement: str) -> None:
    User.objects.filter(pk=alice.pk).update(role=Role.ADMINISTRATOR)
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
    assert User.objects.administrators().count() == 2


def test_an_inactive_administrator_does_not_count(admin: User, alice: User) -> None:
    User.objects.filter(pk=alice.pk).update(role=Role.ADMINISTRATOR, is_active=False)
    admin.role = Role.ENGINEER
    with pytest.raises(LastAdministrator):
        update_user(user=admin, actor=admin)


@pytest.mark.parametrize(
    ("road", "data", "action"),
    [
        ("/people/{}/role/", {"role": "engineer"}, "role_change"),
        ("/people/{}/deactivate/", {}, "deactivate"),
        ("/account/erase/", {"email": "admin@example.org"}, "erase"),
        ("/admin/accounts/user/{}/change/", {**CHANGED, "role": "engineer"}, "role_change"),
        ("/admin/accounts/user/{}/change/", {**CHANGED, "role": "administrator"}, "deactivate"),
    ],
    ids=["role", "deactivation", "erasure", "admin-role", "admin-deactivation"],
)
def test_every_road_says_why_and_is_recorded(
    confirmed_client_of: ClientOf, admin: User, road: str, data: dict[str, str], action: str
) -> None:
    client = confirmed_client_of(admin)
    page = client.post(road.format(admin.pk), data, follow=True).content.decode()
    assert "last active administrator" in page
    event = AuditEvent.objects.latest("sequence")
    assert (event.action, event.outcome, event.target_id) == (f"accounts:user:{action}", "denied", str(admin.audit_id))
    assert User.objects.administrators().get() == admin
    assert client.get("/").status_code == 200, "the sessions have ended all the same"


@pytest.mark.django_db(transaction=True)
def test_two_administrators_who_demote_each_other_at_once_leave_one(admin: User, alice: User) -> None:
    User.objects.filter(pk=alice.pk).update(role=Role.ADMINISTRATOR)
    start = threading.Barrier(2)
    refused: list[str] = []

    def demote(victim: User, actor: User) -> None:
        victim = User.objects.get(pk=victim.pk)
        victim.role = Role.ENGINEER
        start.wait()
        try:
            update_user(user=victim, actor=actor)
        except LastAdministrator:
            refused.append(victim.email)
        finally:
            connection.close()

    threads = [threading.Thread(target=demote, args=pair) for pair in [(admin, alice), (alice, admin)]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [user.email for user in User.objects.administrators()] == refused
    assert len(refused) == 1
