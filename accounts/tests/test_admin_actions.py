from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from allauth.mfa.models import Authenticator
from django.test import Client

from accounts.models import User
from audit.models import AuditEvent

ClientOf = Callable[[User], Client]
USERS = "/admin/accounts/user/"
STEPS = ["log_out", "remove_second_factors", "make_password_links"]
NEW = "a much longer phrase"


def take(client: Client, step: str, user: User, **data: str) -> str:
    form = {"action": step, "_selected_action": str(user.pk), **data}
    response = client.post(USERS, form, follow=True)
    return response.content.decode()


@pytest.mark.parametrize("step", STEPS)
def test_it_asks_first(confirmed_client_of: ClientOf, admin: User, alice: User, step: str) -> None:
    page = take(confirmed_client_of(admin), step, alice)
    assert alice.email in page and 'name="confirmed"' in page
    assert not AuditEvent.objects.exclude(action__startswith="accounts:session:log").exists()


@pytest.mark.parametrize("step", STEPS)
def test_it_asks_who_one_is(client_of: ClientOf, admin: User, alice: User, step: str) -> None:
    assert "Confirm it's you" in take(client_of(admin), step, alice, confirmed="yes")


@pytest.mark.parametrize("name", ["change", "password"])
def test_it_asks_who_one_is_before_a_role_or_a_password_changes(
    client_of: ClientOf, admin: User, alice: User, name: str
) -> None:
    response = client_of(admin).post(f"{USERS}{alice.pk}/{name}/", {"role": "administrator"})
    assert response["Location"].startswith("/account/confirm/")


def test_an_administrator_ends_anyones_sessions(
    confirmed_client_of: ClientOf, client_of: ClientOf, admin: User, alice: User
) -> None:
    client = client_of(alice)
    take(confirmed_client_of(admin), "log_out", alice, confirmed="yes")
    assert client.get("/").status_code == 302
    event = AuditEvent.objects.get(action="accounts:session:end")
    assert (event.actor, event.target_id) == (admin.audit_id, str(alice.audit_id))


def test_it_removes_second_factors(
    confirmed_client_of: ClientOf, admin: User, alice: User, totp_of: Callable[[User], str]
) -> None:
    totp_of(alice)
    take(confirmed_client_of(admin), "remove_second_factors", alice, confirmed="yes")
    assert not Authenticator.objects.exists()
    event = AuditEvent.objects.get(action="accounts:mfa:remove")
    assert (event.actor, event.before) == (admin.audit_id, {"factors": ["totp"]})


@pytest.fixture
def link(confirmed_client_of: ClientOf, admin: User, alice: User) -> str:
    page = take(confirmed_client_of(admin), "make_password_links", alice, confirmed="yes")
    found = re.search(r"<code>([^<]+)</code>", page)
    assert found
    return urlsplit(found[1]).path


def set_password(link: str) -> int:
    client = Client()
    page = client.get(link, follow=True)
    if "form" not in page.context or page.context.get("token_fail"):
        return 0
    form = {"password1": NEW, "password2": NEW}
    return client.post(page.context["action_url"], form, follow=True).status_code


def test_it_makes_a_link_for_a_new_password(link: str, alice: User) -> None:
    assert set_password(link) == 200
    alice.refresh_from_db()
    assert alice.check_password(NEW)


def test_it_records_a_link_without_it(link: str, admin: User, alice: User) -> None:
    event = AuditEvent.objects.get(action="accounts:user:password_link")
    assert (event.actor, event.target_id) == (admin.audit_id, str(alice.audit_id))
    assert link not in event.body + str(event.details.content)


def test_it_takes_a_link_once(link: str, alice: User) -> None:
    set_password(link)
    assert "This link is not valid" in Client().get(link, follow=True).content.decode()


def test_it_takes_no_link_after_a_log_in(link: str, client_of: ClientOf, alice: User) -> None:
    client_of(alice)
    assert "This link is not valid" in Client().get(link, follow=True).content.decode()


def test_it_shows_no_factors_to_edit(client_of: ClientOf, admin: User) -> None:
    client = client_of(admin)
    assert "Social" not in client.get("/admin/").content.decode()
    assert client.get("/admin/mfa/authenticator/add/").status_code == 403
