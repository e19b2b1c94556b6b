"""What a service tier costs: as the price list says, else a published share, else nothing is guessed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from genai_prices import Usage, calc_price

from telemetry.pricing import PriceOverride, Receipt, TokenCounts, UnitPrices, price

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
# From before the price list knows of tiers.
BEFORE = datetime(2026, 9, 1, tzinfo=UTC)
USED = TokenCounts(input=100_000, cache_read=20_000, output=10_000, reasoning=5_000)


def cost(tier: str, *, provider: str = "openai", model: str = "gpt-5", at: datetime = NOW) -> Receipt | None:
    return price(USED, provider=provider, model=model, at=at, service_tier=tier)


@pytest.mark.parametrize(
    ("model", "key", "tier"),
    [
        ("gpt-5", "service_tier", "priority"),
        ("gpt-5-mini", "service_tier", "priority"),
        ("gpt-5", "service_tier", "flex"),
        ("gpt-5", "service_tier", "default"),
        ("gpt-4o", "processing", "batch"),
    ],
)
def test_it_costs_what_the_price_list_says(model: str, key: str, tier: str) -> None:
    usage = Usage(input_tokens=USED.total_input, cache_read_tokens=USED.cache_read, output_tokens=15_000)
    theirs = calc_price(usage, model, provider_id="openai", genai_request_timestamp=NOW, price_context={key: tier})
    receipt = cost(tier, model=model)
    assert receipt is not None and receipt.total == theirs.total_price
    assert receipt.service_tier == ("" if tier == "default" else tier)


def test_a_tier_that_is_dearer_by_model_is_not_guessed() -> None:
    assert cost("priority", at=BEFORE) is None
    assert cost("scale") is None
    assert cost("priority", provider="anthropic", model="claude-sonnet-4-5") is None


@pytest.mark.parametrize(
    ("provider", "model", "tier"),
    [("openai", "gpt-5", "flex"), ("openai", "gpt-5", "batch"), ("anthropic", "claude-sonnet-4-5", "batch")],
)
def test_half_the_usual_price_where_only_that_was_published(provider: str, model: str, tier: str) -> None:
    usual, tiered = (cost(name, provider=provider, model=model, at=BEFORE) for name in ("", tier))
    assert usual is not None and tiered is not None
    assert (tiered.total, tiered.service_tier) == (usual.total / 2, tier)


@pytest.mark.parametrize("tier", ["", "default", "standard", "auto", "DEFAULT", "on_demand", "x" * 400])
def test_any_other_tier_costs_what_it_always_does(tier: str) -> None:
    usual, tiered = cost(""), cost(tier)
    assert usual is not None and tiered is not None
    assert (tiered.total, tiered.service_tier) == (usual.total, "")


def test_a_price_of_our_own_holds_for_every_tier() -> None:
    one = Decimal(1)
    own = PriceOverride("openai", "gpt-5", NOW - timedelta(days=1), UnitPrices(one, one, one, one))
    receipt = price(USED, provider="openai", model="gpt-5", at=NOW, overrides=[own], service_tier="scale")
    assert receipt is not None and receipt.total == Decimal("0.135")
