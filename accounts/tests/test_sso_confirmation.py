"""Who has neither password nor passkey here confirms at the provider of single sign-on, which must ask anew."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from allauth.socialaccount.models import SocialAccount
from django.test import Client
from oidc_provider_mock._storage import AuthorizationCode
from pytest_django import Settings

from accounts.models import User
from accounts.tests.sso import NEVER, back_from, point_at, sent_to, sign_on, without_password
from audit.models import AuditEvent

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:authlib")
ClientOf = Callable[[User], Client]
PAGE, CONFIRM = "/account/security/totp/", "/account/confirm/sso/"


@pytest.fixture
def client(alice: User, sso: Settings) -> Client:
    """Alice is logged in by single sign-on, and has no other way."""
    without_password(alice)
    client = Client()
    sign_on(client, "alice")
    return client


def start(client: Client, **data: str) -> Any:
    return client.post(CONFIRM, {"next": PAGE, **data})


def test_a_log_in_confirms_nothing(client: Client) -> None:
    assert client.get(PAGE)["Location"] == f"{CONFIRM}?next={PAGE}"


def test_it_has_the_provider_ask_again(client: Client) -> None:
    query = parse_qs(urlsplit(sent_to(start(client))).query)
    assert (query["prompt"], query["max_age"]) == (["login"], ["0"])


def test_it_comes_back_to_the_step(client: Client) -> None:
    assert client.get(back_from(start(client), "alice"))["Location"] == PAGE
    assert client.get(PAGE).status_code == 200


def test_it_does_not_last(client: Client, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    client.get(back_from(start(client), "alice"))
    later = time.time() + settings.ACCOUNT_REAUTHENTICATION_TIMEOUT + 1
    monkeypatch.setattr("time.time", lambda: later)
    assert client.get(PAGE).status_code == 302


@pytest.mark.parametrize("sub", ["staff", "silent"])
def test_somebody_else_confirms_nothing(client: Client, sub: str) -> None:
    answer = client.get(back_from(start(client), sub), follow=True)
    assert answer.redirect_chain[-1][0] == f"{CONFIRM}?next={PAGE}"
    assert "with a different account" in answer.content.decode()
    assert client.get(PAGE).status_code == 302 and client.get("/").context["user"].email == "alice@example.org"
    assert AuditEvent.objects.latest("sequence").action == "accounts:session:login_failed"


@pytest.mark.parametrize(("seconds", "works"), [(3600, False), (30, True), (0, True)])
def test_the_provider_must_have_asked_now(
    client: Client, monkeypatch: pytest.MonkeyPatch, seconds: int, works: bool
) -> None:
    asked_at = int(time.time()) - seconds
    monkeypatch.setattr(AuthorizationCode, "get_auth_time", lambda _: asked_at)
    answer = client.get(back_from(start(client), "alice"), follow=True).content.decode()
    assert ("did not ask you to log in" in answer) is not works
    assert (client.get(PAGE).status_code == 200) is works


def test_it_asks_for_the_code_as_well(
    client: Client, alice: User, totp_of: Callable[[User], str], code_of: Callable[[str], str]
) -> None:
    key = totp_of(alice)
    assert "Authenticator or recovery code" in client.get(CONFIRM).content.decode()
    assert "Incorrect code" in start(client, code="000000").content.decode()
    assert client.get(back_from(start(client, code=code_of(key)), "alice"))["Location"] == PAGE
    assert client.get("/password/").status_code == 200


def test_whoever_has_a_password_gives_that(client_of: ClientOf, bob: User, sso: Settings) -> None:
    answer = client_of(bob).post(CONFIRM, {"next": PAGE})
    assert answer["Location"] == f"/account/confirm/?next={PAGE}"


def test_it_stays_on_this_site(client: Client) -> None:
    answer = client.post(CONFIRM, {"next": "https://evil.example/"})
    assert client.get(back_from(answer, "alice"))["Location"] == "/"


def test_it_says_what_to_do_without_any_way(client_of: ClientOf, alice: User) -> None:
    page = client_of(without_password(alice)).get(PAGE, follow=True).content.decode()
    assert "Ask an administrator" in page and "Continue to" not in page


def test_it_says_so_when_the_provider_is_down(client: Client, sso: Settings) -> None:
    point_at(NEVER, sso)
    answer = start(client)
    assert answer.status_code == 401 and "Single sign-on failed" in answer.content.decode()
    assert client.get(PAGE).status_code == 302 and SocialAccount.objects.count() == 1
