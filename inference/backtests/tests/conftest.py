"""Recorded calls of Alice's, a key for the provider on this machine, and backtests of those calls."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from pytest_django.fixtures import Settings

from inference.tests.fake_provider import FakeProvider

if TYPE_CHECKING:
    from accounts.models import User
    from inference.backtests.models import Backtest
    from telemetry.models import Generation

Record = Callable[..., "Generation"]
MakeBacktest = Callable[..., "Backtest"]


@pytest.fixture
def fake(settings: Settings) -> Iterator[FakeProvider]:
    settings.PROVIDER_HOSTS = ["127.0.0.1"]
    settings.RETRY_ATTEMPTS = 1
    with FakeProvider() as provider:
        yield provider


@pytest.fixture
def key(alice: User, fake: FakeProvider) -> None:
    from tokens.services import add_token

    add_token(
        owner=alice,
        actor=None,
        provider="openai",
        label="Main",
        secret="sk-good-1234",
        base_url=fake.base_url("openai"),
    )


@pytest.fixture
def priced(db: None) -> Callable[..., None]:
    """`priced("words-3")`: USD 1 for a thousand tokens of input, 2 for a thousand of output."""
    from telemetry.models import PriceOverride

    def set_price(model: str) -> None:
        prices = {"input_price": 1000, "cache_read_price": 0, "cache_write_price": 0, "output_price": 2000}
        PriceOverride.objects.create(provider="openai", model=model, valid_from="2020-01-01T00:00Z", **prices)

    return set_price


@pytest.fixture
def recorded(alice: User) -> Record:
    """`recorded(text="Hi", model="gpt-4o")`: a call of Alice's that has ended."""
    from django.db import transaction

    from telemetry.context import SentMessage
    from telemetry.models import Status
    from telemetry.pricing import TokenCounts
    from telemetry.services import CallOutcome, NewCall, finish_generation, start_generation

    def record(*, text: str = "Hi", user: Any = alice, sent: Any = None, **values: Any) -> Generation:
        outcome: dict[str, Any] = {"status": Status.SUCCEEDED, "text": "Hello", "tokens": TokenCounts(10, 0, 0, 5)}
        outcome |= {name: values.pop(name) for name in ("status", "tokens", "tool_calls", "answer") if name in values}
        outcome["text"] = outcome.pop("answer", outcome["text"])
        call: dict[str, Any] = {"provider": "echo", "model": "echo", "parameters": {"delay_ms": 0, "length": 5}}
        call |= {"process_id": 1, "sent": sent or [SentMessage("user", text)]}
        with transaction.atomic():
            generation = start_generation(user=user, call=NewCall(**call | values))
            finish_generation(generation_id=generation.pk, outcome=CallOutcome(**outcome))
        generation.refresh_from_db()
        return generation

    return record


@pytest.fixture
def make_backtest(alice: User) -> MakeBacktest:
    """`make_backtest(calls, model="words-3")`: of those calls, not started."""
    from inference.backtests.services import Plan, create_backtest

    def make(calls: list[Generation], **values: Any) -> Backtest:
        plain: dict[str, Any] = {"title": "Test", "sample": 1000, "budget_usd": Decimal(1)}
        if "model" in values:
            plain["provider"] = "openai"
        plan = Plan(call_ids=[call.pk for call in calls], **plain | values)
        return create_backtest(owner=alice, plan=plan)

    return make


@pytest.fixture
def run() -> Callable[[Backtest], Backtest]:
    """Start a backtest and run it to its end, as a worker does."""
    from inference.backtests import running
    from inference.backtests.models import State
    from inference.backtests.services import start_backtest

    def run_to_end(backtest: Backtest, **consent: Any) -> Backtest:
        if backtest.state in (State.DRAFT, State.PAUSED):
            start_backtest(backtest=backtest, actor=backtest.owner, **consent)
        asyncio.run(running.run(backtest.pk))
        backtest.refresh_from_db()
        return backtest

    return run_to_end
