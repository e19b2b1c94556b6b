from __future__ import annotations

import re
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.urls import NoReverseMatch, reverse

from accounts.models import User
from audit.models import AuditEvent

PASSWORD = "correct horse battery staple"
WRONG = "Incorrect email or password"

pytestmark = pytest.mark.django_db


def log_in(client: Client, email: str, password: str = PASSWORD, **data: str) -> Any:
    return client.post(reverse("account_login"), {"login": email, "password": password, **data})


def actions() -> list[str]:
    return list(AuditEvent.objects.order_by("sequence").values_list("action", flat=True))


def without_variable_parts(page: bytes, email: str) -> str:
    text = page.decode().replace(email, "EMAIL")
    return re.sub(r"[A-Za-z0-9]{64}", "CSRF", text)


def test_it_logs_in(client: Client, alice: User) -> None:
    assert log_in(client, alice.email).headers["Location"] == reverse("dashboard")
    assert client.get(reverse("dashboard")).status_code == 200


def test_it_logs_in_whatever_the_case_of_the_address(client: Client, alice: User) -> None:
    assert log_in(client, alice.email.upper()).status_code == 302


def test_it_records_a_login(client: Client, alice: User) -> None:
    log_in(client, alice.email)
    event = AuditEvent.objects.get()
    assert (event.action, event.actor) == ("accounts:session:login", alice.audit_id)


def test_it_sends_strangers_to_the_login_page(client: Client) -> None:
    response = client.get(reverse("dashboard"))
    assert response.headers["Location"] == f"{reverse('account_login')}?next=/"


def test_it_answers_the_same_for_an_unknown_user_a_wrong_password_and_an_inactive_user(
    client: Client, alice: User, bob: User
) -> None:
    User.objects.filter(pk=bob.pk).update(is_active=False)
    answers = [
        (email, log_in(client, email, password))
        for email, password in [("nobody@example.org", PASSWORD), (alice.email, "wrong"), (bob.email, PASSWORD)]
    ]
    assert {response.status_code for _, response in answers} == {200}
    assert len({without_variable_parts(response.content, email) for email, response in answers}) == 1
    assert WRONG in answers[0][1].content.decode()


def test_it_records_a_failed_login_of_a_user_without_the_password(client: Client, alice: User) -> None:
    log_in(client, alice.email, "hunter2-typed-by-mistake")
    event = AuditEvent.objects.get()
    assert (event.action, event.outcome, event.actor) == ("accounts:session:login_failed", "failed", None)
    assert "hunter2" not in event.body + str(event.details.content)


def test_it_keeps_the_address_of_an_unknown_user_out_of_the_entry_itself(client: Client) -> None:
    log_in(client, "nobody@example.org")
    event = AuditEvent.objects.get()
    assert "nobody" not in event.body
    assert event.details.personal["email"] == "nobody@example.org"


def test_it_issues_a_new_session_id_and_refuses_the_old_one(client: Client, alice: User) -> None:
    session = client.session
    session["seen"] = True
    session.save()
    before = client.cookies[settings.SESSION_COOKIE_NAME].value
    log_in(client, alice.email)
    assert client.cookies[settings.SESSION_COOKIE_NAME].value != before
    client.cookies[settings.SESSION_COOKIE_NAME] = before
    assert client.get(reverse("dashboard")).status_code == 302


def test_it_ends_the_session_on_the_server_at_logout(client: Client, alice: User) -> None:
    log_in(client, alice.email)
    stolen = client.cookies[settings.SESSION_COOKIE_NAME].value
    client.post(reverse("account_logout"))
    client.cookies[settings.SESSION_COOKIE_NAME] = stolen
    assert client.get(reverse("dashboard")).status_code == 302
    assert actions() == ["accounts:session:login", "accounts:session:logout"]


def test_it_only_asks_when_logout_is_opened_by_get(client: Client, alice: User) -> None:
    log_in(client, alice.email)
    assert b"Log out of this device?" in client.get(reverse("account_logout")).content
    assert client.get(reverse("dashboard")).status_code == 200


def test_it_returns_to_the_page_first_asked_for(client: Client, alice: User) -> None:
    response = log_in(client, alice.email, next="/account/?page=2")
    assert response.headers["Location"] == "/account/?page=2"


@pytest.mark.parametrize(
    "target", ["https://evil.example/", "//evil.example/", "javascript:alert(1)", r"\\evil.example"]
)
def test_it_never_returns_to_another_site(client: Client, alice: User, target: str) -> None:
    assert log_in(client, alice.email, next=target).headers["Location"] == reverse("dashboard")


def test_it_says_how_long_to_wait_after_ten_failures(client: Client, alice: User) -> None:
    for _ in range(10):
        log_in(client, alice.email, "wrong")
    assert "Wait 5 minutes" in log_in(client, alice.email).content.decode()


def test_it_lets_the_user_in_from_elsewhere_while_an_attacker_is_throttled(client: Client, alice: User) -> None:
    for _ in range(11):
        log_in(client, alice.email, "wrong")
    elsewhere = Client(REMOTE_ADDR="192.0.2.7")
    assert log_in(elsewhere, alice.email).status_code == 302


def test_it_does_not_count_who_gets_in(alice: User) -> None:
    assert {log_in(Client(), alice.email).status_code for _ in range(40)} == {302}


def test_it_has_no_sign_up_page() -> None:
    with pytest.raises(NoReverseMatch):
        reverse("account_signup")


def test_it_keeps_browsers_from_storing_signed_in_pages(client: Client, alice: User) -> None:
    log_in(client, alice.email)
    assert client.get(reverse("dashboard")).headers["Cache-Control"] == "no-store"


def test_it_hides_the_session_cookie_from_scripts(client: Client, alice: User) -> None:
    cookie = log_in(client, alice.email).cookies[settings.SESSION_COOKIE_NAME]
    assert (cookie["httponly"], cookie["samesite"]) == (True, "Lax")


def test_it_ends_other_sessions_when_the_password_changes(client: Client, alice: User) -> None:
    elsewhere = Client()
    log_in(elsewhere, alice.email)
    log_in(client, alice.email)
    new = "a much longer phrase"
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    data = {"password1": new, "password2": new}
    assert client.post(reverse("account_change_password"), data).status_code == 302
    assert client.get(reverse("dashboard")).status_code == 200
    assert elsewhere.get(reverse("dashboard")).status_code == 302
    assert actions()[-2:] == ["accounts:user:password_change", "accounts:session:end"]
