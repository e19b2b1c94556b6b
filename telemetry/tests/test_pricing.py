"""Receipts: exact, complete, and never zero for want of a price."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from genai_prices import Usage, calc_price
from genai_prices.data_snapshot import get_snapshot
from hypothesis import given
from hypothesis import strategies as st

from telemetry.pricing import (
    OVERRIDE,
    PRICE_LIST,
    REPORTED,
    PriceOverride,
    Receipt,
    TokenCounts,
    UnitPrices,
    context_tokens,
    price,
    unit_prices,
)

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
OWN = UnitPrices(input=Decimal("1"), cache_read=Decimal("0.1"), cache_write=Decimal("1.25"), output=Decimal("3"))

token_number = st.integers(0, 3_000_000)
tokens_of_a_call = st.builds(TokenCounts, token_number, token_number, token_number, token_number, token_number)
priced_models = st.sampled_from(
    [
        (ours, model.id)
        for ours, theirs in (("openai", "openai"), ("anthropic", "anthropic"), ("gemini", "google"), ("groq", "groq"))
        for provider in get_snapshot().providers
        if provider.id == theirs
        for model in provider.models
        if unit_prices(ours, model.id, at=NOW) is not None
    ]
)


def listed(tokens: TokenCounts, provider: str, model: str, at: datetime = NOW) -> Receipt:
    receipt = price(tokens, provider=provider, model=model, at=at)
    assert receipt is not None
    return receipt


@given(tokens_of_a_call, priced_models)
def test_it_adds_up_to_the_sum_of_its_lines(tokens: TokenCounts, model: tuple[str, str]) -> None:
    receipt = listed(tokens, *model)
    assert receipt.total == sum((line.amount for line in receipt.lines), Decimal(0))
    assert all(line.amount * 1_000_000 == line.unit_price * line.tokens for line in receipt.lines)
    assert sum(line.tokens for line in receipt.lines) == sum(asdict(tokens).values())


@given(tokens_of_a_call, priced_models)
def test_it_agrees_with_the_price_list_to_the_last_digit(tokens: TokenCounts, model: tuple[str, str]) -> None:
    usage = Usage(
        input_tokens=tokens.total_input,
        cache_read_tokens=tokens.cache_read,
        cache_write_tokens=tokens.cache_write,
        output_tokens=tokens.output + tokens.reasoning,
    )
    theirs = {"gemini": "google"}.get(model[0], model[0])
    calculated = calc_price(usage, model[1], provider_id=theirs, genai_request_timestamp=NOW)
    assert listed(tokens, *model).total == calculated.total_price


@given(tokens_of_a_call, st.sampled_from(["input", "cache_read", "cache_write", "output", "reasoning"]), priced_models)
def test_it_never_gets_cheaper_with_more_tokens(tokens: TokenCounts, more: str, model: tuple[str, str]) -> None:
    increased = replace(tokens, **{more: getattr(tokens, more) + 1})
    assert listed(increased, *model).total >= listed(tokens, *model).total


@given(priced_models)
def test_it_costs_nothing_to_use_nothing(model: tuple[str, str]) -> None:
    receipt = listed(TokenCounts(), *model)
    assert receipt.total == 0
    assert not receipt.lines


def test_it_bills_each_class_at_its_own_price() -> None:
    receipt = listed(TokenCounts(1000, 2000, 4000, 500, 300), "anthropic", "claude-sonnet-4-5")
    amounts = {line.usage_class: line.amount for line in receipt.lines}
    assert amounts == {
        "input": Decimal("0.003"),
        "cache_read": Decimal("0.0006"),
        "cache_write": Decimal("0.015"),
        "output": Decimal("0.0075"),
        "reasoning": Decimal("0.0045"),
    }
    assert receipt.source == PRICE_LIST


def test_it_bills_the_whole_call_at_the_tier_that_its_input_reaches() -> None:
    below = listed(TokenCounts(input=200_000), "anthropic", "claude-sonnet-4-5")
    above = listed(TokenCounts(input=100_000, cache_write=100_001), "anthropic", "claude-sonnet-4-5")
    assert below.lines[0].unit_price == 3
    assert above.lines[0].unit_price == 6


def test_it_uses_the_price_of_the_day_of_the_call() -> None:
    before = listed(TokenCounts(input=10**6), "openai", "o3", datetime(2025, 6, 9, tzinfo=UTC))
    after = listed(TokenCounts(input=10**6), "openai", "o3")
    assert before.total == 10
    assert before.price_date is None
    assert after.total == 2
    assert str(after.price_date) == "2025-06-10"


@pytest.mark.parametrize(
    ("provider", "model"),
    [
        ("openai", "no-such-model"),
        ("no-such-provider", "gpt-4o"),
        ("huggingface", "any/model"),
        ("openai", "whisper-1"),
    ],
)
def test_it_leaves_unpriced_what_nobody_has_a_price_for(provider: str, model: str) -> None:
    assert price(TokenCounts(input=5, output=5), provider=provider, model=model, at=NOW) is None
    assert unit_prices(provider, model) is None


def test_it_prices_the_sandbox_at_zero() -> None:
    receipt = listed(TokenCounts(input=5, output=5), "echo", "echo")
    assert receipt.total == 0
    assert len(receipt.lines) == 2


def test_it_prefers_what_the_provider_reports() -> None:
    override = PriceOverride("openai", "gpt-4o", NOW, OWN)
    receipt = price(
        TokenCounts(input=5),
        provider="openai",
        model="gpt-4o",
        at=NOW,
        overrides=[override],
        reported_cost_usd="0.000123",
    )
    assert receipt == Receipt(total=Decimal("0.000123"), source=REPORTED)


@pytest.mark.parametrize("nonsense", ["", "free", "NaN", "Infinity", "-1", "1e30"])
def test_it_ignores_a_reported_cost_that_makes_no_sense(nonsense: str) -> None:
    receipt = price(TokenCounts(input=5), provider="openai", model="gpt-4o", at=NOW, reported_cost_usd=nonsense)
    assert receipt is not None
    assert receipt.source == PRICE_LIST


def test_it_prefers_the_newest_override_that_holds_at_the_time() -> None:
    dearer = replace(OWN, input=Decimal("7"))
    overrides = [
        PriceOverride("openai", "gpt-4o", NOW - timedelta(days=9), OWN),
        PriceOverride("openai", "gpt-4o", NOW - timedelta(days=1), dearer),
        PriceOverride("openai", "gpt-4o", NOW + timedelta(days=1), OWN),
        PriceOverride("openai", "gpt-4o-mini", NOW, OWN),
    ]
    receipt = price(TokenCounts(input=10**6), provider="openai", model="gpt-4o", at=NOW, overrides=overrides)
    assert receipt is not None
    assert receipt.total == 7
    assert receipt.source == OVERRIDE
    assert receipt.price_date == (NOW - timedelta(days=1)).date()


def test_it_prices_a_model_behind_a_router_by_who_serves_it() -> None:
    assert unit_prices("huggingface", "openai/gpt-oss-120b:groq") is not None


def test_it_knows_context_sizes() -> None:
    assert context_tokens("openai", "gpt-4o") == 128_000
    assert context_tokens("openai", "no-such-model") is None


def test_it_keeps_every_digit_in_json() -> None:
    receipt = price(
        TokenCounts(input=1), provider="a", model="b", at=NOW, overrides=[PriceOverride("a", "b", NOW, OWN)]
    )
    assert receipt is not None
    assert receipt.as_json() == {
        "total": "0.000001",
        "source": "override",
        "price_date": "2026-11-23",
        "lines": [{"usage_class": "input", "tokens": 1, "unit_price": "1", "amount": "0.000001"}],
    }


GATEWAY, ANOTHER_PROVIDER = "https://llm.example.com/v1", "https://api.deepseek.com/v1"


def test_it_takes_the_provider_s_price_for_a_gateway_to_it() -> None:
    assert unit_prices("openai", "gpt-4o", base_url=GATEWAY) == unit_prices("openai", "gpt-4o") is not None
    assert context_tokens("openai", "gpt-4o", base_url=GATEWAY) == context_tokens("openai", "gpt-4o") is not None
    assert price(TokenCounts(input=10**6), provider="openai", model="gpt-4o", at=NOW, base_url=GATEWAY) is not None


def test_it_takes_the_price_of_the_provider_whose_server_it_is() -> None:
    assert unit_prices("openai", "deepseek-chat", base_url=ANOTHER_PROVIDER) is not None
    assert unit_prices("openai", "gpt-4o", base_url=ANOTHER_PROVIDER) is None


def test_it_leaves_a_model_unpriced_that_only_another_server_has() -> None:
    assert unit_prices("openai", "llama3.2:3b", base_url="http://localhost:11434/v1") is None


def test_it_takes_a_price_of_our_own_for_another_server() -> None:
    overrides = [PriceOverride("openai", "gpt-4o", NOW - timedelta(days=1), OWN)]
    call = TokenCounts(input=10**6)
    receipt = price(call, provider="openai", model="gpt-4o", at=NOW, overrides=overrides, base_url=GATEWAY)
    assert receipt is not None and (receipt.total, receipt.source) == (OWN.input, OVERRIDE)
