from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
import redis
from django.test import Client

from accounts.login import throttling
from accounts.login.throttling import humanize_wait
from accounts.models import User
from audit.models import AuditEvent
from conftest import PASSWORD

pytestmark = pytest.mark.django_db
MINUTE = 60
WRONG = "wrong"


def attempt(email: str, password: str = WRONG, address: str = "192.0.2.1") -> Any:
    return Client(REMOTE_ADDR=address).post("/login/", {"login": email, "password": password})


def fail(email: str, times: int = 10, address: str = "192.0.2.1") -> None:
    for _ in range(times):
        assert attempt(email, address=address).status_code == 200


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    now = time.time()
    return lambda seconds: monkeypatch.setattr("time.time", lambda: now + seconds)


def test_it_answers_429_and_says_how_long(alice: User) -> None:
    fail(alice.email)
    response = attempt(alice.email, PASSWORD)
    assert response.status_code == 429
    assert 290 <= int(response["Retry-After"]) <= 300
    assert "Wait 5 minutes, then try again." in response.content.decode()


def test_the_wait_grows_shorter(alice: User, later: Callable[[float], None]) -> None:
    fail(alice.email)
    later(3 * MINUTE + 30)
    response = attempt(alice.email, PASSWORD)
    assert int(response["Retry-After"]) <= 95 and "Wait 2 minutes" in response.content.decode()


def test_it_ends_by_itself(alice: User, later: Callable[[float], None]) -> None:
    fail(alice.email)
    later(5 * MINUTE + 1)
    assert attempt(alice.email, PASSWORD).status_code == 302


def test_attempts_while_throttled_do_not_prolong_it(alice: User, later: Callable[[float], None]) -> None:
    fail(alice.email)
    later(4 * MINUTE)
    for _ in range(5):
        attempt(alice.email)
    later(5 * MINUTE + 1)
    assert attempt(alice.email, PASSWORD).status_code == 302


def test_nobody_is_locked_out_from_elsewhere(alice: User) -> None:
    for number in range(5):
        fail(alice.email, address=f"192.0.2.{number}")
    assert attempt(alice.email, PASSWORD, address="198.51.100.1").status_code == 302


def test_an_address_is_throttled_over_all_users(alice: User, later: Callable[[float], None]) -> None:
    for number in range(3):
        fail(f"user{number}@example.org")
        later((number + 1) * 2 * MINUTE)
    assert attempt(alice.email, PASSWORD).status_code == 429


def test_the_other_users_of_an_address_get_in_meanwhile(alice: User, bob: User) -> None:
    fail(alice.email)
    assert attempt(bob.email, PASSWORD).status_code == 302


def test_a_right_password_does_not_start_the_count_anew(alice: User, bob: User) -> None:
    fail(alice.email, 9)
    attempt(alice.email, PASSWORD)
    fail(alice.email, 1)
    assert attempt(alice.email, PASSWORD).status_code == 429


def test_the_counts_are_in_redis_and_go_by_themselves(alice: User, redis_client: redis.Redis) -> None:
    fail(alice.email, 1)
    counts = redis_client.keys("*login_failed*")
    assert isinstance(counts, list) and len(counts) == 2
    assert all(0 < int(str(redis_client.ttl(key))) <= 15 * MINUTE for key in counts)
    assert alice.email not in str(counts)


@pytest.mark.parametrize("kind", ["known", "unknown", "disabled"])
def test_throttling_tells_nothing_of_the_user(alice: User, bob: User, kind: str) -> None:
    User.objects.filter(pk=bob.pk).update(is_active=False)
    email = {"known": alice.email, "unknown": "nobody@example.org", "disabled": bob.email}[kind]
    # Also where the password of the disabled account is right.
    for _ in range(10):
        assert attempt(email, PASSWORD if kind == "disabled" else "wrong").status_code == 200
    response = attempt(email, PASSWORD)
    assert response.status_code == 429 and "Too many failed attempts" in response.content.decode()


def test_the_confirmation_is_throttled_too(client_of: Callable[[User], Client], alice: User) -> None:
    client = client_of(alice)
    for _ in range(10):
        client.post("/account/confirm/", {"password": "wrong"})
    assert client.post("/account/confirm/", {"password": PASSWORD}).status_code == 429


def test_a_throttled_attempt_is_recorded(alice: User) -> None:
    fail(alice.email)
    attempt(alice.email, PASSWORD)
    event = AuditEvent.objects.latest("sequence")
    assert (event.action, event.outcome) == ("accounts:limit:hit", "denied")


def test_it_asks_to_try_again_who_waits_too_long_for_a_turn(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throttling, "ATTEMPT_WAIT_SECONDS", 0.01)
    with throttling.in_turn():
        response = attempt(alice.email, PASSWORD)
    assert (response.status_code, response["Retry-After"]) == (503, "5")


@pytest.mark.parametrize(
    ("seconds", "words"), [(1, "1 second"), (59, "59 seconds"), (60, "1 minute"), (61, "2 minutes"), (300, "5 minutes")]
)
def test_it_says_times_in_words(seconds: int, words: str) -> None:
    assert humanize_wait(seconds) == words
