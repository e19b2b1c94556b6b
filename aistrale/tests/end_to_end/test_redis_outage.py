from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from random import Random
from typing import Any

import pytest
from django.conf import settings as real_settings
from django.test import Client
from pytest_django import Settings

from accounts.models import User
from conftest import PASSWORD

ClientOf = Callable[[User], Client]


@pytest.fixture
def signed_in(client_of: ClientOf, alice: User) -> Client:
    client = client_of(alice)
    client.raise_request_exception = False
    return client


@pytest.fixture
def outage(settings: Settings) -> Callable[[bool], None]:
    """`outage(True)` moves Redis to where nobody listens, `outage(False)` brings it back."""
    working: dict[str, Any] = real_settings.CACHES
    broken = deepcopy(working)
    broken["default"]["LOCATION"] = "redis://127.0.0.1:1/0"

    def switch(on: bool) -> None:
        settings.CACHES = broken if on else working

    return switch


def test_it_answers_503_and_leaves_the_session_cookie_alone(signed_in: Client, outage: Callable[[bool], None]) -> None:
    outage(True)
    response = signed_in.get("/")
    assert (response.status_code, response.headers["Retry-After"]) == (503, "5")
    assert real_settings.SESSION_COOKIE_NAME not in response.cookies


def test_it_knows_the_user_again_when_redis_is_back(signed_in: Client, outage: Callable[[bool], None]) -> None:
    outage(True)
    signed_in.get("/")
    outage(False)
    assert signed_in.get("/").status_code == 200


def test_it_lets_nobody_log_in_unthrottled(client: Client, alice: User, outage: Callable[[bool], None]) -> None:
    client.raise_request_exception = False
    outage(True)
    assert client.post("/login/", {"login": alice.email, "password": "wrong"}).status_code == 503


@pytest.mark.fault
@pytest.mark.django_db
def test_it_shows_a_clean_login_page_when_redis_was_emptied(
    signed_in: Client, redis_client: Any, chance: Random, check_invariants: Callable[..., None]
) -> None:
    redis_client.flushdb()
    assert (
        signed_in.get(chance.choice(["/", "/tokens/", "/chat/"]), follow=True).templates[0].name == "account/login.html"
    )
    check_invariants(secrets=[PASSWORD])
