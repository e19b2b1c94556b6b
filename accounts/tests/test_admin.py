from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from accounts.models import Role, User
from audit.models import AuditEvent

ClientOf = Callable[[User], Client]
PASSWORD = "a phrase of good length"


def test_it_makes_an_account_that_can_log_in(confirmed_client_of: ClientOf, admin: User) -> None:
    data = {
        "email": "dora@example.org",
        "name": "Dora",
        "role": Role.ENGINEER,
        "password1": PASSWORD,
        "password2": PASSWORD,
    }
    confirmed_client_of(admin).post(reverse("admin:accounts_user_add"), data)
    assert Client().post("/login/", {"login": "dora@example.org", "password": PASSWORD}).status_code == 302
    event = AuditEvent.objects.get(sequence=1)
    assert (event.action, event.actor, event.after) == (
        "accounts:user:create",
        admin.audit_id,
        {"role": "engineer", "is_active": True},
    )


def test_it_stores_addresses_in_lower_case(confirmed_client_of: ClientOf, admin: User) -> None:
    data = {"email": "Dora@Example.org", "role": Role.ENGINEER, "password1": PASSWORD, "password2": PASSWORD}
    confirmed_client_of(admin).post(reverse("admin:accounts_user_add"), data)
    assert User.objects.filter(email="dora@example.org").exists()


def test_it_records_a_change_of_rights(confirmed_client_of: ClientOf, admin: User, alice: User) -> None:
    data = {"email": alice.email, "name": "Alice", "role": Role.ADMINISTRATOR, "is_active": "on", "confirmed": "yes"}
    confirmed_client_of(admin).post(reverse("admin:accounts_user_change", args=[alice.pk]), data)
    event = AuditEvent.objects.get()
    assert event.action == "accounts:user:role_change"
    assert event.before == {"role": "engineer", "is_active": True}
    assert event.after == {"role": "administrator", "is_active": True}


def test_it_logs_a_deactivated_user_out(confirmed_client_of: ClientOf, admin: User, alice: User) -> None:
    client = confirmed_client_of(alice)
    data = {"email": alice.email, "name": "Alice", "role": Role.ENGINEER, "confirmed": "yes"}
    confirmed_client_of(admin).post(reverse("admin:accounts_user_change", args=[alice.pk]), data)
    assert client.get("/").status_code == 302


def test_it_sets_a_new_password(confirmed_client_of: ClientOf, admin: User, alice: User) -> None:
    data = {"usable_password": "true", "password1": PASSWORD, "password2": PASSWORD}
    confirmed_client_of(admin).post(reverse("admin:auth_user_password_change", args=[alice.pk]), data)
    alice.refresh_from_db()
    assert alice.check_password(PASSWORD)
    assert AuditEvent.objects.get().action == "accounts:user:password_change"


def test_it_offers_no_second_address_to_log_in_with(client_of: ClientOf, admin: User) -> None:
    assert b"Email addresses" not in client_of(admin).get(reverse("admin:index")).content


def test_it_deletes_nobody(client_of: ClientOf, admin: User, alice: User) -> None:
    response = client_of(admin).post(reverse("admin:accounts_user_delete", args=[alice.pk]), {"post": "yes"})
    assert response.status_code == 403
    assert User.objects.filter(pk=alice.pk).exists()


def test_it_refuses_engineers(client_of: ClientOf, alice: User) -> None:
    assert client_of(alice).get(reverse("admin:index"), follow=True).status_code == 403


@pytest.mark.django_db
def test_it_sends_strangers_through_the_one_login_page(client: Client) -> None:
    response = client.get(reverse("admin:index"), follow=True)
    assert response.templates[0].name == "account/login.html"


def test_it_has_one_way_to_log_out_and_one_to_a_new_password(client_of: ClientOf, admin: User) -> None:
    client = client_of(admin)
    assert client.get(reverse("admin:password_change"))["Location"] == "/password/"
    client.post(reverse("admin:logout"))
    assert AuditEvent.objects.get().action == "accounts:session:logout"


def test_the_admin_site_asks_for_the_second_factor_that_must_be(
    client_of: ClientOf, admin: User, settings: Settings
) -> None:
    settings.MFA_POLICY = "administrators"
    assert client_of(admin).get(reverse("admin:index"))["Location"] == reverse("mfa_index")


def test_it_shows_whether_there_is_a_password_and_nothing_of_it(
    confirmed_client_of: ClientOf, admin: User, alice: User
) -> None:
    path, client = reverse("admin:accounts_user_change", args=[alice.pk]), confirmed_client_of(admin)
    page = client.get(path).content.decode()
    assert "Has a password" in page and "argon2" not in page and "salt" not in page
    alice.set_unusable_password()
    alice.save()
    assert "Has no password" in client.get(path).content.decode()
