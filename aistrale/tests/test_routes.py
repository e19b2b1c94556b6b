"""Who gets what of every route, as ``expectations`` has it from the apps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from aistrale.tests.expectations import LET_IN, LOG_IN, REFUSED, TABLE, Who, stale
from aistrale.tests.routes import path_of
from audit.models import AuditEvent

pytestmark = pytest.mark.django_db
ClientOf = Callable[[User], Client]


@pytest.fixture
def visitors(client_of: ClientOf, alice: User, admin: User) -> Callable[[], tuple[Client, Client, Client]]:
    """Somebody unknown, an engineer and an administrator, each with a new log-in."""

    def make() -> tuple[Client, Client, Client]:
        return Client(), client_of(alice), client_of(admin)

    return make


def seen(response: Any) -> str | None:
    """None where the method alone was wrong, which tells nothing of rights."""
    if response.status_code == 405:
        return None
    to_log_in = response.status_code == 302 and response.headers["Location"].startswith(("/login/", "/admin/login/"))
    return LOG_IN if to_log_in else REFUSED if response.status_code == 403 else LET_IN


def answer(client: Client, path: str) -> str | None:
    return seen(client.get(path)) or seen(client.post(path))


def test_what_is_expected_is_of_routes_that_there_are() -> None:
    assert stale() == set()


def test_every_route_answers_each_role_as_the_table_says(
    visitors: Callable[[], tuple[Client, Client, Client]],
) -> None:
    anonymous, engineer, administrator = visitors()
    answers: dict[str, tuple[str | None, ...]] = {}
    for route in TABLE:
        answers[route] = tuple(answer(client, path_of(route)) for client in (anonymous, engineer, administrator))
        if "logout" in route:
            anonymous, engineer, administrator = visitors()
    assert answers == {route: who.value for route, who in TABLE.items()}


@pytest.mark.slow
def test_no_method_lets_a_visitor_past_the_log_in(client: Client) -> None:
    paths = [path_of(route) for route, who in TABLE.items() if who is not Who.EVERYONE]
    ways = [(path, method) for path in paths for method in ("post", "put", "patch", "delete")]
    let_in = [(path, method) for path, method in ways if seen(getattr(client, method)(path)) in (REFUSED, LET_IN)]
    assert let_in == []


def test_an_engineer_who_sends_what_administrators_send_is_refused_and_recorded(
    client_of: ClientOf, alice: User
) -> None:
    engineer = client_of(alice)
    paths = [path_of(route) for route, who in TABLE.items() if who in (Who.ADMINISTRATORS, Who.NOBODY)]
    answers = {path: engineer.post(path).status_code for path in paths}
    refused = [path for path, status in answers.items() if status == 403]
    # A page that can only be read says so first.
    assert set(answers.values()) == {403, 405} and len(refused) > 40
    entries = AuditEvent.objects.filter(actor=alice.audit_id, action="accounts:access:deny")
    assert entries.count() == len(refused)
