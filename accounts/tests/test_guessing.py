"""Links that let somebody in, and API keys: an address that guesses at them has to wait."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from accounts.models import Role, User
from accounts.people.invitations import invite
from accounts.people.services import password_link
from accounts.profile import api_keys
from audit.models import AuditEvent

pytestmark = pytest.mark.django_db
GUESSES = {
    "setup": "/account/setup/guess/",
    "invitation": "/invitation/guess/",
    "password reset": "/password/reset/1-guess/",
}
EXPORT, HERE, ELSEWHERE = "/audit/export.jsonl", "192.0.2.1", "198.51.100.1"


def ask(path: str, address: str = HERE, **headers: str) -> Any:
    return Client(REMOTE_ADDR=address).get(path, headers=headers)


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def limit_hits() -> list[str]:
    events = AuditEvent.objects.filter(action="accounts:limit:hit").select_related("details").order_by("sequence")
    return [event.details.personal["limit"] for event in events]


@pytest.mark.parametrize("link", GUESSES)
def test_whoever_guesses_links_has_to_wait(link: str) -> None:
    assert {ask(GUESSES[link]).status_code for _ in range(30)} == {410}
    answer = ask(GUESSES[link])
    assert answer.status_code == 429 and 890 <= int(answer["Retry-After"]) <= 900
    assert "Error 429" in answer.content.decode() and "Wait 15 minutes, then try again." in answer.content.decode()


def test_links_are_counted_together_and_a_right_one_waits_too(alice: User) -> None:
    link = password_link(user=alice, actor=None).removeprefix("http://127.0.0.1:8000")
    for _ in range(10):
        assert [ask(guess).status_code for guess in GUESSES.values()] == [410, 410, 410]
    assert ask(link).status_code == 429
    assert ask(link, ELSEWHERE).status_code == 302


def test_right_links_do_not_count(admin: User) -> None:
    link = invite(email="dora@example.org", role=Role.ENGINEER, actor=admin).link.removeprefix("http://127.0.0.1:8000")
    assert {ask(link).status_code for _ in range(40)} == {200}


def test_whoever_guesses_api_keys_has_to_wait(alice: User) -> None:
    key = api_keys.create(user=alice, label="Nightly", expires_at=None)[1]
    assert {ask(EXPORT, **bearer(f"{key[:-4]}AAAA")).status_code for _ in range(30)} == {401}
    answer = ask(EXPORT, **bearer(key))
    assert answer.status_code == 429 and 890 <= int(answer["Retry-After"]) <= 900
    assert ask(EXPORT, ELSEWHERE, **bearer(key)).status_code == 200


def test_a_key_that_holds_no_longer_is_no_guess(alice: User) -> None:
    key = api_keys.create(user=alice, label="Nightly", expires_at=None)[1]
    User.objects.update(is_active=False)
    assert {ask(EXPORT, **bearer(key)).status_code for _ in range(40)} == {401}


@pytest.mark.parametrize(
    ("path", "headers", "limit"),
    [
        ("/invitation/guess/", {}, "invitation/<str:token>/"),
        (EXPORT, bearer("ais_guess"), "api_key_unknown"),
    ],
)
def test_it_is_recorded_once_within_a_minute(path: str, headers: dict[str, str], limit: str) -> None:
    for _ in range(35):
        ask(path, **headers)
    assert limit_hits() == [limit]
