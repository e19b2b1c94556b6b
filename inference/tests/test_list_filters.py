"""The lists of backtests and playgrounds, narrowed down."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest
from django.test import Client

from accounts.models import User
from accounts.sharing import EVERYONE
from inference.backtests.models import Backtest, State
from inference.playground.models import Panel, Playground

pytestmark = pytest.mark.django_db
ClientOf = Callable[[User], Client]


def titles(client: Client, path: str, query: str) -> list[str]:
    return [row.title for row in client.get(f"{path}?{query}").context["page"].rows]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["shared", "second", "first"]),
        ("q=fir", ["first"]),
        ("q=triage", ["second"]),
        ("state=done", ["second"]),
        ("owner=mine", ["second", "first"]),
        ("owner=shared", ["shared"]),
        ("range=1h&owner=mine&state=draft", ["first"]),
        ("q=nothing", []),
        ("state=nonsense", []),
        ("start=2200-01-01", []),
    ],
)
def test_backtests_are_found(client_of: ClientOf, alice: User, bob: User, query: str, expected: list[str]) -> None:
    values = {"matching": 1, "seed": 1, "budget_usd": Decimal(1)}
    Backtest.objects.create(owner=alice, title="first", **values)
    Backtest.objects.create(owner=alice, title="second", prompt_name="support/triage", state=State.DONE, **values)
    shared = Backtest(owner=bob, title="shared", **values)
    shared.audience = EVERYONE
    shared.save()
    Backtest.objects.create(owner=bob, title="private", **values)
    assert titles(client_of(alice), "/backtests/", query) == expected


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["shared", "second", "first"]),
        ("q=sec", ["second"]),
        ("model=GPT-5", ["second"]),
        ("prompt=triage", ["second"]),
        ("model=gpt-5&prompt=other", []),
        ("owner=shared", ["shared"]),
        ("range=24h&owner=mine", ["second", "first"]),
    ],
)
def test_playgrounds_are_found(client_of: ClientOf, alice: User, bob: User, query: str, expected: list[str]) -> None:
    Playground.objects.create(owner=alice, title="first")
    second = Playground.objects.create(owner=alice, title="second")
    for position in range(2):
        Panel.objects.create(playground=second, position=position, model="gpt-5-mini", prompt_name="support/triage")
    shared = Playground(owner=bob, title="shared")
    shared.audience = EVERYONE
    shared.save()
    Playground.objects.create(owner=bob, title="private")
    assert titles(client_of(alice), "/playground/", query) == expected


@pytest.mark.parametrize("path", ["/backtests/", "/playground/"])
def test_a_list_says_that_filters_left_nothing_and_offers_to_clear_them(
    client_of: ClientOf, alice: User, path: str
) -> None:
    client = client_of(alice)
    assert 'id="filters"' not in client.get(path).content.decode()
    page = client.get(f"{path}?q=x").content.decode()
    assert "match these filters" in page and "Clear filters" in page and 'id="filters"' in page
