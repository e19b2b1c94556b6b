"""Requirements on log-in and sessions that no other file has by name: A1, A2, A5, A6, A8."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.hashers import make_password
from django.test import Client
from pytest_django import Settings

from accounts.models import User
from accounts.people.services import update_user
from accounts.sessions import services as session_services
from conftest import PASSWORD

ClientOf = Callable[[User], Client]
ARGON, PBKDF = (
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
)
pytestmark = pytest.mark.django_db


def log_in(client: Client, email: str, password: str = PASSWORD) -> Any:
    return client.post("/login/", {"login": email, "password": password})


def is_in(client: Client) -> bool:
    return client.get("/").status_code == 200


def test_a_log_in_brings_a_new_session_and_a_new_csrf_token(alice: User, settings: Settings) -> None:
    client, thief = Client(), Client()
    page = client.get("/login/")
    before = {"session": client.session.session_key, "csrf": page.cookies[settings.CSRF_COOKIE_NAME].value}
    log_in(client, alice.email)
    assert client.cookies[settings.SESSION_COOKIE_NAME].value != before["session"]
    assert client.cookies[settings.CSRF_COOKIE_NAME].value != before["csrf"]
    assert before["session"] and is_in(client)
    thief.cookies[settings.SESSION_COOKIE_NAME] = before["session"]
    assert not is_in(thief)


def deactivate(user: User, admin: User) -> None:
    user.is_active = False
    update_user(user=user, actor=admin)
    user.is_active = True
    update_user(user=user, actor=admin)


def another_password(user: User, admin: User) -> None:
    user.set_password("another long one")
    user.save()


ENDS: dict[str, Callable[[User, User], object]] = {
    "deactivated, also when active again": deactivate,
    "deleted": lambda user, admin: user.delete(),
    "another password": another_password,
    "ended by an administrator": lambda user, admin: session_services.end_sessions(user=user, actor=admin),
}


@pytest.mark.parametrize("end", ENDS)
def test_a_saved_cookie_is_worth_nothing(client_of: ClientOf, alice: User, admin: User, end: str) -> None:
    client = client_of(alice)
    assert is_in(client)
    ENDS[end](alice, admin)
    response = client.get("/")
    assert response["Location"] == "/login/?next=/"


def test_a_log_out_ends_the_session_on_the_server(alice: User, settings: Settings) -> None:
    client = Client()
    log_in(client, alice.email)
    saved = client.cookies[settings.SESSION_COOKIE_NAME].value
    client.post("/logout/")
    thief = Client()
    thief.cookies[settings.SESSION_COOKIE_NAME] = saved
    assert not is_in(thief)


@pytest.mark.parametrize(
    "password",
    ["twelve chars", "x9 " * 30, "ein Paßwort, das länger ist", "correct" * 20],
    ids=["spaces", "90 characters", "other letters", "140 characters"],
)
def test_a_password_may_be_anything_long(confirmed_client_of: ClientOf, alice: User, password: str) -> None:
    data = {"password1": password, "password2": password}
    assert confirmed_client_of(alice).post("/password/", data).status_code == 302
    alice.refresh_from_db()
    assert alice.check_password(password)


@pytest.mark.parametrize("password", ["eleven char", "password1234", "alice@example.org"], ids=lambda value: value)
def test_weak_passwords_are_refused(confirmed_client_of: ClientOf, alice: User, password: str) -> None:
    data = {"password1": password, "password2": password}
    assert confirmed_client_of(alice).post("/password/", data).status_code == 200
    alice.refresh_from_db()
    assert alice.check_password(PASSWORD)


def test_no_character_of_a_long_password_is_ignored(alice: User) -> None:
    alice.set_password("x" * 200 + "a")
    assert not alice.check_password("x" * 200 + "b")


def test_an_old_hash_is_replaced_at_the_log_in(alice: User, settings: Settings) -> None:
    settings.PASSWORD_HASHERS = [ARGON, PBKDF]
    User.objects.filter(pk=alice.pk).update(password=make_password(PASSWORD, hasher="pbkdf2_sha256"))
    log_in(Client(), alice.email)
    alice.refresh_from_db()
    assert alice.password.startswith("argon2$argon2id$")


def fastest(email: str, password: str) -> float:
    """Seconds of work; of several attempts, since a busy machine only ever adds to them."""
    times = []
    for number in range(3):
        start = time.process_time()
        Client(REMOTE_ADDR=f"192.0.2.{number}").post("/login/", {"login": email, "password": password})
        times.append(time.process_time() - start)
    return min(times)


@pytest.mark.slow
def test_unknown_wrong_and_disabled_look_alike_and_take_alike(
    alice: User, bob: User, charlie: User, settings: Settings
) -> None:
    settings.PASSWORD_HASHERS = [ARGON]
    for user in (alice, bob):
        user.set_password(PASSWORD)
        user.save()
    User.objects.filter(pk=bob.pk).update(is_active=False)
    # As who logs in by single sign-on or a passkey alone.
    charlie.set_unusable_password()
    charlie.save()
    attempts = [("nobody@example.org", PASSWORD), (alice.email, "wrong"), (bob.email, PASSWORD), (bob.email, "wrong")]
    attempts.append((charlie.email, PASSWORD))
    pages = {without_what_differs(log_in(Client(), *attempt), attempt[0]) for attempt in attempts}
    assert len(pages) == 1
    times = [fastest(*attempt) for attempt in attempts]
    assert max(times) < 2 * min(times), times


def without_what_differs(response: Any, email: str) -> tuple[int, str]:
    page = response.content.decode().replace(email, "EMAIL")
    return response.status_code, re.sub(r"[A-Za-z0-9]{64}", "CSRF", page)


def test_there_is_no_account_at_first() -> None:
    assert not User.objects.exists()
