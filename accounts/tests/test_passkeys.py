"""Passkeys: added, taken, and refused in words, with an entry and a limit. What a browser does with them: see
``aistrale.tests.end_to_end.test_account_pages``."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.test import Client

from accounts.models import User
from accounts.tests.software_passkey import HOST, Passkey
from audit.models import AuditEvent
from conftest import PASSWORD

ADD, LOG_IN, CODE, CONFIRM = (
    "/account/security/passkeys/add/",
    "/login/passkey/",
    "/login/code/",
    "/account/confirm/passkey/",
)
DOES_NOT_FIT = "Passkey not accepted"
GARBAGE = [
    "",
    "nonsense",
    "[]",
    "{}",
    "7",
    '"text"',
    '{"id": 1}',
    '{"id": "a", "rawId": "a", "type": "public-key", "response": {}}',
    '{"id": "a", "rawId": "a", "type": "public-key", "response": []}',
    '{"id": "YQ", "rawId": "YQ", "type": "public-key", "response": {"clientDataJSON": "YQ", '
    '"authenticatorData": "YQ", "signature": "YQ", "userHandle": "YQ"}}',
    '{"id": "YQ", "rawId": "YQ", "type": "public-key", "response": {"clientDataJSON": 5, '
    '"authenticatorData": null, "signature": {}, "userHandle": "/////w"}}',
]


def browser() -> Client:
    """Passkeys belong to a host name, and their pages are fetched as its script does."""
    return Client(SERVER_NAME=HOST)


def options_in(page: str) -> dict[str, Any]:
    found = re.findall(r'<script id="passkey-options" type="application/json">(.*?)</script>', page)
    options: dict[str, Any] = json.loads(found[0])
    return options


def login_options(client: Client) -> dict[str, Any]:
    options: dict[str, Any] = client.get(LOG_IN, headers={"Accept": "application/json"}).json()["request_options"]
    return options


def add(user: User) -> Passkey:
    """``user`` has it from now on."""
    client, passkey = browser(), Passkey()
    client.force_login(user)
    client.post("/account/confirm/", {"password": PASSWORD})
    answer = client.post(
        ADD, {"name": "Key", "credential": passkey.create(options_in(client.get(ADD).content.decode()))}
    )
    assert answer.status_code == 302, answer.content.decode()
    return passkey


def is_in(client: Client) -> bool:
    return client.get("/").status_code == 200


def failure() -> AuditEvent:
    return AuditEvent.objects.filter(action="accounts:session:login_failed").latest("sequence")


def say(client: Client) -> str:
    """What the log-in page says that one is led back to."""
    return client.get("/login/").content.decode()


def test_it_logs_in_alone(alice: User) -> None:
    passkey, client = add(alice), browser()
    client.post(LOG_IN, {"credential": passkey.get(login_options(client))})
    assert is_in(client)


def test_it_comes_back_to_the_page_first_asked_for(alice: User) -> None:
    passkey, client = add(alice), browser()
    answer = client.post(LOG_IN, {"credential": passkey.get(login_options(client)), "next": "/tokens/"})
    assert answer["Location"] == "/tokens/"


def test_it_refuses_an_unknown_one(alice: User) -> None:
    known, client = add(alice), browser()
    unknown = Passkey(known.user_handle)
    answer = client.post(LOG_IN, {"credential": unknown.get(login_options(client)), "next": "/tokens/"})
    assert answer["Location"] == "/login/?next=/tokens/"
    assert DOES_NOT_FIT in say(client) and not is_in(client)
    assert (failure().outcome, failure().target_id) == ("failed", str(alice.audit_id))


def test_it_refuses_one_of_another_account(alice: User, bob: User) -> None:
    of_alice, of_bob, client = add(alice), add(bob), browser()
    posing = replace(of_bob, user_handle=of_alice.user_handle)
    client.post(LOG_IN, {"credential": posing.get(login_options(client))})
    assert DOES_NOT_FIT in say(client) and not is_in(client)


def test_it_refuses_a_wrong_challenge(alice: User) -> None:
    passkey, client = add(alice), browser()
    answer = passkey.get(login_options(browser()))
    login_options(client)
    client.post(LOG_IN, {"credential": answer})
    assert DOES_NOT_FIT in say(client) and not is_in(client)


def test_it_takes_an_answer_once(alice: User) -> None:
    passkey, client = add(alice), browser()
    said = passkey.get(login_options(client))
    client.post(LOG_IN, {"credential": said})
    client.post("/logout/")
    client.post(LOG_IN, {"credential": said})
    assert not is_in(client)


def test_it_refuses_a_wrong_signature(alice: User) -> None:
    passkey, client = add(alice), browser()
    forged = replace(passkey, key=Passkey().key)
    client.post(LOG_IN, {"credential": forged.get(login_options(client))})
    assert DOES_NOT_FIT in say(client) and not is_in(client)


def test_it_refuses_the_one_of_a_deactivated_account(alice: User) -> None:
    passkey, client = add(alice), browser()
    User.objects.filter(pk=alice.pk).update(is_active=False)
    client.post(LOG_IN, {"credential": passkey.get(login_options(client))})
    assert not is_in(client) and failure().target_id == str(alice.audit_id)


@pytest.mark.parametrize("garbage", GARBAGE)
def test_it_survives_garbage(alice: User, garbage: str) -> None:
    add(alice)
    client = browser()
    login_options(client)
    assert client.post(LOG_IN, {"credential": garbage}).status_code == 302
    assert DOES_NOT_FIT in say(client) and failure().target_id == ""


def test_it_throttles_an_address_that_fails(alice: User) -> None:
    passkey, client = add(alice), browser()
    unknown = Passkey(passkey.user_handle)
    for _ in range(10):
        assert client.post(LOG_IN, {"credential": unknown.get(login_options(client))}).status_code == 302
    answer = client.post(LOG_IN, {"credential": passkey.get(login_options(client))})
    assert answer.status_code == 429 and 0 < int(answer["Retry-After"]) <= 300
    assert AuditEvent.objects.latest("sequence").action == "accounts:limit:hit"
    elsewhere = Client(SERVER_NAME=HOST, REMOTE_ADDR="192.0.2.7")
    elsewhere.post(LOG_IN, {"credential": passkey.get(login_options(elsewhere))})
    assert is_in(elsewhere)


def test_it_counts_nobody_who_gets_in(alice: User) -> None:
    passkey = add(alice)
    clients = [browser() for _ in range(12)]
    for client in clients:
        client.post(LOG_IN, {"credential": passkey.get(login_options(client))})
    assert all(is_in(client) for client in clients)


def test_it_refuses_the_second_factor_of_another_account(alice: User, bob: User) -> None:
    add(alice)
    of_bob, client = add(bob), browser()
    client.post("/login/", {"login": alice.email, "password": PASSWORD})
    said = of_bob.get(options_in(client.get(CODE).content.decode()))
    assert DOES_NOT_FIT in client.post(CODE, {"credential": said}).content.decode()
    assert not is_in(client) and failure().target_id == str(alice.audit_id)


def test_it_throttles_the_second_factor(alice: User) -> None:
    passkey, client = add(alice), browser()
    client.post("/login/", {"login": alice.email, "password": PASSWORD})
    for _ in range(10):
        client.post(CODE, {"credential": Passkey().get(options_in(client.get(CODE).content.decode()))})
    answer = client.post(CODE, {"credential": passkey.get(options_in(client.get(CODE).content.decode()))})
    assert answer.status_code == 429 and "Too many failed attempts" in answer.content.decode()


def test_it_confirms_with_no_passkey_of_another_account(alice: User, bob: User) -> None:
    add(alice)
    of_bob, client = add(bob), browser()
    client.force_login(alice)
    page = client.get(f"{CONFIRM}?next=/password/").content.decode()
    answer = client.post(CONFIRM, {"credential": of_bob.get(options_in(page)), "next": "/password/"}).content.decode()
    assert DOES_NOT_FIT in answer and 'value="/password/"' in answer
    assert client.get("/password/").status_code == 302
    assert AuditEvent.objects.filter(action="accounts:session:login_failed").count() == 1


def test_it_confirms(alice: User) -> None:
    passkey, client = add(alice), browser()
    client.force_login(alice)
    page = client.get(f"{CONFIRM}?next=/password/").content.decode()
    answer = client.post(CONFIRM, {"credential": passkey.get(options_in(page)), "next": "/password/"})
    assert answer["Location"] == "/password/" and client.get("/password/").status_code == 200


@pytest.mark.parametrize("garbage", GARBAGE)
def test_it_adds_no_garbage(confirmed_client_of: Callable[[User], Client], alice: User, garbage: str) -> None:
    client = confirmed_client_of(alice)
    client.get(ADD)
    answer = client.post(ADD, {"name": "Key", "credential": garbage})
    assert answer.status_code == 200 and "could not be added" in answer.content.decode()
    assert not Authenticator.objects.exists()
    event = AuditEvent.objects.latest("sequence")
    assert (event.action, event.outcome) == ("accounts:mfa:add", "failed")
