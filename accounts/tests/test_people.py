from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from allauth.mfa.models import Authenticator
from django.test import Client
from django.urls import reverse

from accounts.models import Role, User
from accounts.people.invitations import invite
from audit.models import AuditEvent

ClientOf = Callable[[User], Client]
LIST = "/people/"
STEPS = ["role", "deactivate", "reactivate", "end-sessions", "reset-password", "reset-two-factor"]


def path(user: User, step: str = "detail") -> str:
    return reverse(f"people:person-{step}", args=[user.pk])


def page(client: Client, address: str) -> str:
    return client.get(address).content.decode()


def test_it_lists_people_with_role_and_state(client_of: ClientOf, admin: User, alice: User, bob: User) -> None:
    User.objects.filter(pk=bob.pk).update(is_active=False)
    shown = page(client_of(admin), LIST)
    assert all(user.email in shown for user in (admin, alice, bob))
    assert "Deactivated" in shown and "Administrator" in shown


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("q=ali", ["alice"]),
        ("q=EXAMPLE+bob", ["bob"]),
        ("role=administrator", ["admin"]),
        ("state=inactive", ["bob"]),
        ("q=ali&state=inactive", []),
    ],
)
def test_it_finds_people(
    client_of: ClientOf, admin: User, alice: User, bob: User, query: str, expected: list[str]
) -> None:
    User.objects.filter(pk=bob.pk).update(is_active=False)
    listed = client_of(admin).get(f"{LIST}?{query}").context["people"]
    assert [person.user.email.split("@")[0] for person in listed] == expected


def test_it_offers_to_clear_filters_that_leave_nobody(client_of: ClientOf, admin: User) -> None:
    assert "No users match these filters" in page(client_of(admin), f"{LIST}?q=zzz")


def test_it_shows_factors_and_who_lacks_one(
    client_of: ClientOf, admin: User, alice: User, bob: User, totp_of: Callable[[User], str]
) -> None:
    totp_of(alice)
    people = {person.user.email: person for person in client_of(admin).get(LIST).context["people"]}
    assert (people[alice.email].factors, people[bob.email].factors) == ("app", "")


def test_it_shows_when_somebody_was_last_seen(client_of: ClientOf, admin: User, alice: User) -> None:
    client_of(alice).get("/")
    people = {person.user.email: person for person in client_of(admin).get(LIST).context["people"]}
    assert people[alice.email].last_seen_at


@pytest.mark.parametrize("step", ["detail", *STEPS])
def test_engineers_are_refused_and_that_is_recorded(
    confirmed_client_of: ClientOf, alice: User, bob: User, step: str
) -> None:
    client = confirmed_client_of(alice)
    assert client.get(path(bob, step)).status_code == 403
    event = AuditEvent.objects.latest("sequence")
    assert (event.action, event.outcome, event.actor) == ("accounts:access:deny", "denied", alice.audit_id)


@pytest.mark.parametrize("step", STEPS)
def test_engineers_change_nothing(confirmed_client_of: ClientOf, alice: User, bob: User, step: str) -> None:
    assert confirmed_client_of(alice).post(path(bob, step), {"role": "administrator"}).status_code == 403
    bob.refresh_from_db()
    assert (bob.role, bob.is_active) == (Role.ENGINEER, True)


def test_it_asks_strangers_to_log_in(client: Client, alice: User) -> None:
    assert client.get(path(alice))["Location"].startswith("/login/")


@pytest.mark.parametrize("step", ["detail", *STEPS])
def test_it_knows_no_missing_person(confirmed_client_of: ClientOf, admin: User, step: str) -> None:
    assert confirmed_client_of(admin).get(reverse(f"people:person-{step}", args=[0])).status_code == 404


@pytest.mark.parametrize("step", STEPS)
def test_each_step_asks_who_one_is(client_of: ClientOf, admin: User, alice: User, step: str) -> None:
    answer = client_of(admin).post(path(alice, step), {"role": "administrator"})
    assert answer["Location"].startswith("/account/confirm/")
    alice.refresh_from_db()
    assert alice.role == Role.ENGINEER


@pytest.mark.parametrize("step", STEPS)
def test_nothing_changes_by_get(confirmed_client_of: ClientOf, admin: User, alice: User, step: str) -> None:
    assert alice.email in page(confirmed_client_of(admin), path(alice, step))
    assert not AuditEvent.objects.filter(action__startswith="accounts:user").exists()


def test_it_changes_a_role(confirmed_client_of: ClientOf, admin: User, alice: User) -> None:
    confirmed_client_of(admin).post(path(alice, "role"), {"role": "administrator", "is_active": "", "name": "Eve"})
    alice.refresh_from_db()
    assert (alice.role, alice.is_active, alice.name) == (Role.ADMINISTRATOR, True, "Alice")
    event = AuditEvent.objects.get(action="accounts:user:role_change")
    assert (event.actor, event.target_id) == (admin.audit_id, str(alice.audit_id))
    assert (event.before["role"], event.after["role"]) == ("engineer", "administrator")


def test_it_refuses_a_role_that_does_not_exist(confirmed_client_of: ClientOf, admin: User, alice: User) -> None:
    answer = confirmed_client_of(admin).post(path(alice, "role"), {"role": "king"})
    assert answer.status_code == 422 and "Select a valid choice" in answer.content.decode()


def test_it_records_nothing_where_nothing_changes(confirmed_client_of: ClientOf, admin: User, alice: User) -> None:
    confirmed_client_of(admin).post(path(alice, "role"), {"role": "engineer"})
    assert not AuditEvent.objects.filter(action__startswith="accounts:user").exists()


def test_it_deactivates_and_ends_sessions(
    confirmed_client_of: ClientOf, client_of: ClientOf, admin: User, alice: User
) -> None:
    client = client_of(alice)
    confirmed_client_of(admin).post(path(alice, "deactivate"))
    assert client.get("/").status_code == 302
    assert not User.objects.get(pk=alice.pk).is_active
    assert AuditEvent.objects.filter(action="accounts:user:deactivate").count() == 1


def test_it_reactivates(confirmed_client_of: ClientOf, admin: User, alice: User) -> None:
    User.objects.filter(pk=alice.pk).update(is_active=False)
    confirmed_client_of(admin).post(path(alice, "reactivate"))
    assert User.objects.get(pk=alice.pk).is_active
    assert AuditEvent.objects.filter(action="accounts:user:reactivate").count() == 1


def test_it_ends_anyones_sessions(confirmed_client_of: ClientOf, client_of: ClientOf, admin: User, alice: User) -> None:
    client = client_of(alice)
    confirmed_client_of(admin).post(path(alice, "end-sessions"))
    assert client.get("/").status_code == 302


def test_it_shows_a_link_for_a_new_password_once(
    confirmed_client_of: ClientOf, client: Client, admin: User, alice: User
) -> None:
    shown = confirmed_client_of(admin).post(path(alice, "reset-password")).content.decode()
    link = re.search(r"http://[^<\s]+/password/reset/[^<\s]+", shown)
    assert link and "Choose a new password" in page(client, client.get(urlsplit(link.group()).path).headers["Location"])
    assert AuditEvent.objects.filter(action="accounts:user:password_link").count() == 1


def test_it_resets_two_factor(
    confirmed_client_of: ClientOf, admin: User, alice: User, totp_of: Callable[[User], str]
) -> None:
    totp_of(alice)
    answer = confirmed_client_of(admin).post(path(alice, "reset-two-factor"), follow=True)
    assert "reset" in answer.content.decode()
    assert not Authenticator.objects.filter(user=alice).exists()
    assert AuditEvent.objects.filter(action="accounts:mfa:remove").count() == 1


def test_it_keeps_the_session_of_whoever_ends_their_own(confirmed_client_of: ClientOf, admin: User) -> None:
    client = confirmed_client_of(admin)
    client.post(path(admin, "end-sessions"))
    assert client.get(LIST).status_code == 200


@pytest.mark.parametrize("step", ["role", "deactivate"])
def test_the_page_keeps_the_last_administrator(confirmed_client_of: ClientOf, admin: User, step: str) -> None:
    answer = confirmed_client_of(admin).post(path(admin, step), {"role": "engineer"}, follow=True)
    assert "last active administrator" in answer.content.decode()
    assert User.objects.administrators().get() == admin


def test_it_leads_an_administrator_who_gives_the_role_up_to_a_page_they_may_see(
    confirmed_client_of: ClientOf, admin: User, alice: User
) -> None:
    User.objects.filter(pk=alice.pk).update(role=Role.ADMINISTRATOR)
    answer = confirmed_client_of(admin).post(path(admin, "role"), {"role": "engineer"}, follow=True)
    assert answer.status_code == 200


def test_a_name_is_text(client_of: ClientOf, admin: User, alice: User) -> None:
    User.objects.filter(pk=alice.pk).update(name="<script>alert(1)</script>")
    client = client_of(admin)
    assert "<script>alert" not in page(client, LIST) + page(client, path(alice))


def test_it_finds_open_invitations_and_shows_the_newest(client_of: ClientOf, admin: User) -> None:
    for number in range(52):
        invite(email=f"guest{number:02}@example.org", role=Role.ENGINEER, actor=admin)
    client = client_of(admin)
    listed = page(client, LIST)
    assert ("guest51@" in listed, "guest01@" in listed, "newest 50" in listed) == (True, False, True)
    found = page(client, f"{LIST}?q=guest01")
    assert ("guest01@" in found, "guest02@" in found, "No people match" in found) == (True, False, False)
    User.objects.bulk_create(User(email=f"p{number:02}@example.org") for number in range(60))
    first = client.get(LIST)
    assert "p00@" in first.content.decode() and "guest" in first.content.decode()
    second = page(client, LIST + first.context["page"].older)
    assert ("p59@" in second, "guest" in second) == (True, False)
    assert "guest" not in page(client, f"{LIST}?state=active") + page(client, f"{LIST}?role=administrator")
