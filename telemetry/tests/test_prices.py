"""The page of prices, and when models retire."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from audit.models import AuditEvent
from telemetry.actions import TelemetryAction
from telemetry.models import Generation, ModelRetirement, PriceOverride, Status
from telemetry.prices.retirements import retiring
from telemetry.prices.services import end_price
from telemetry.pricing import TokenCounts, price
from telemetry.rollups.keeping import roll_up

ClientOf = Callable[[User], Client]
PRICES = {"input_price": "1", "cache_read_price": "0.1", "cache_write_price": "1.25", "output_price": "4"}


def call(user: User, model: str, provider: str = "openai") -> None:
    start = timezone.now() - timedelta(days=2)
    Generation.objects.create(
        user=user,
        provider=provider,
        request_model=model,
        status=Status.SUCCEEDED,
        started_at=start,
        ended_at=start,
        heartbeat_at=start,
        input_tokens=10,
    )
    roll_up(now=timezone.now())


def last_action() -> Any:
    return AuditEvent.objects.latest("sequence").action


def test_it_lists_models_that_were_called_with_price_and_source(client_of: ClientOf, alice: User, bob: User) -> None:
    call(alice, "gpt-4o")
    call(alice, "own-model")
    call(bob, "o3")
    page = client_of(alice).get(reverse("telemetry:price-list")).content.decode()
    text = " ".join(re.sub(r'<span class="unseen".*?</span>|<[^>]+>', " ", page).split())
    assert "gpt-4o OpenAI $2.50 $1.25 $2.50 $10.00 genai-prices" in text
    assert "own-model OpenAI No price" in text
    assert "o3" not in text and "Set price" not in text


def test_an_administrator_sets_changes_and_ends_a_price(client_of: ClientOf, admin: User) -> None:
    client = client_of(admin)
    client.post(reverse("telemetry:price-add"), {"provider": "openai", "model": "own-1", **PRICES})
    own = PriceOverride.objects.get()
    assert own.input_price == 1 and last_action() == TelemetryAction.PRICE_CREATE

    client.post(reverse("telemetry:price-change", args=[own.pk]), PRICES | {"input_price": "2"})
    own.refresh_from_db()
    assert own.input_price == 2 and last_action() == TelemetryAction.PRICE_UPDATE

    client.post(reverse("telemetry:price-end", args=[own.pk]))
    own.refresh_from_db()
    assert own.valid_until is not None and last_action() == TelemetryAction.PRICE_UPDATE
    entries = AuditEvent.objects.count()
    end_price(price=own, actor=admin)
    assert AuditEvent.objects.count() == entries


def test_a_price_that_has_ended_gives_way_to_the_list(client_of: ClientOf, admin: User) -> None:
    now = timezone.now()
    own = PriceOverride.objects.create(
        provider="openai",
        model="gpt-4o",
        valid_from=now - timedelta(days=9),
        valid_until=now - timedelta(days=1),
        **{name: Decimal(9) for name in PRICES},
    )

    def costs(days_ago: int) -> Decimal:
        at = now - timedelta(days=days_ago)
        tokens = TokenCounts(input=1_000_000)
        receipt = price(tokens, provider="openai", model="gpt-4o", at=at, overrides=[own.for_pricing()])
        assert receipt
        return receipt.total

    assert [costs(days) for days in (10, 5, 0)] == [Decimal("2.5"), 9, Decimal("2.5")]


def test_a_second_price_from_the_same_moment_is_refused(client_of: ClientOf, admin: User) -> None:
    sent = {"provider": "openai", "model": "own-1", "valid_from": "2026-01-01T00:00", **PRICES}
    client = client_of(admin)
    client.post(reverse("telemetry:price-add"), sent)
    answer = client.post(reverse("telemetry:price-add"), sent)
    assert answer.status_code == 422 and "from this moment on" in answer.content.decode()
    assert PriceOverride.objects.count() == 1


@pytest.mark.parametrize("wrong", [{"input_price": "-1"}, {"output_price": "x"}, {"model": ""}, {"provider": "nobody"}])
def test_a_price_that_makes_no_sense_is_refused(client_of: ClientOf, admin: User, wrong: dict[str, str]) -> None:
    sent = {"provider": "openai", "model": "own-1", **PRICES, **wrong}
    assert client_of(admin).post(reverse("telemetry:price-add"), sent).status_code == 422
    assert not PriceOverride.objects.exists()


def test_engineers_read_prices_and_change_none(client_of: ClientOf, alice: User) -> None:
    client = client_of(alice)
    for name in ("price-add", "retirement-edit"):
        assert client.post(reverse(f"telemetry:{name}"), {"model": "x", **PRICES}).status_code == 403
    for name in ("price-change", "price-end"):
        assert client.post(reverse(f"telemetry:{name}", args=[1]), PRICES).status_code == 403


def test_it_says_who_still_calls_a_model_that_retires(client_of: ClientOf, admin: User, alice: User, bob: User) -> None:
    day = timezone.now().date() + timedelta(days=50)
    ModelRetirement.objects.create(provider="openai", model="own-1", retires_on=day, replacement="own-2")
    ModelRetirement.objects.create(provider="openai", model="uncalled", retires_on=day)
    call(alice, "own-1")
    call(bob, "own-1")
    (view,) = retiring(users=None, now=timezone.now())
    assert (view.days, view.callers.calls, view.callers.users) == (50, 2, 2)
    assert "from_model=own-1" in view.backtest and "model=own-2" in view.backtest
    assert retiring(users=[alice.pk], now=timezone.now())[0].callers.calls == 1
    page = client_of(admin).get(reverse("telemetry:price-list")).content.decode()
    assert f">{alice.email}</a> (1)" in page and f">{bob.email}</a> (1)" in page
    assert bob.email not in client_of(alice).get(reverse("telemetry:price-list")).content.decode()
    assert "50 days" in client_of(alice).get(reverse("dashboard")).content.decode()


def test_an_administrator_s_day_wins_over_the_published_one(client_of: ClientOf, admin: User, alice: User) -> None:
    call(alice, "gpt-4o")
    now = timezone.now()
    assert retiring(users=None, now=now, notice=None)[0].retirement.retires_on == date(2027, 1, 14)
    sent = {"provider": "openai", "model": "gpt-4o", "retires_on": "2027-03-01", "replacement": "gpt-6-luna"}
    path = reverse("telemetry:retirement-edit")
    client_of(admin).post(path, sent)
    assert last_action() == TelemetryAction.RETIREMENT_SET
    assert retiring(users=None, now=now, notice=None)[0].retirement.retires_on == date(2027, 3, 1)
    client_of(admin).post(path, sent | {"retires_on": ""})
    assert last_action() == TelemetryAction.RETIREMENT_DELETE
    assert not ModelRetirement.objects.exists()


def test_what_the_price_list_calls_deprecated_is_shown_without_a_day(alice: User) -> None:
    call(alice, "gemini-2.0-flash", "gemini")
    (view,) = retiring(users=None, now=timezone.now(), notice=None)
    assert (view.days, view.retirement.source) == (None, "price list")
    assert retiring(users=None, now=timezone.now()) == []
