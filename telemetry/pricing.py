"""What a call cost, in USD, as exact decimals. Pure: plain values in, plain values out, no network.

Prices come, in this order, from what the provider itself reports, from overrides, and from the price list of the
``genai-prices`` package. A price that nobody knows is None, never zero. ``base_url`` is the server that was called in
place of the provider's own: where the list knows it, its prices hold, and else those of the provider whose dialect it
speaks, since most such servers are gateways to it. A server that charges otherwise gets an override.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from importlib.metadata import version
from typing import Any

from genai_prices.data_snapshot import get_snapshot
from genai_prices.types import ModelInfo, StartDateConstraint, TieredPrices

from accounts.providers import PROVIDERS

PRICE_LIST = f"genai-prices {version('genai-prices')}"
REPORTED = "provider"
OVERRIDE = "override"
SANDBOX = "sandbox"
# A class of receipts only: calls are recorded with all cache writes in one.
CACHE_WRITE_1H = "cache_write_1h"


@dataclass(frozen=True, slots=True)
class TokenCounts:
    """Tokens in disjoint classes: input without cached, output without reasoning."""

    input: int = 0
    cache_read: int = 0
    cache_write: int = 0
    output: int = 0
    reasoning: int = 0

    @property
    def total_input(self) -> int:
        return self.input + self.cache_read + self.cache_write


@dataclass(frozen=True, slots=True)
class UnitPrices:
    """USD for a million tokens of each class. Reasoning is billed as output.

    What is kept in the cache for an hour costs as much as what is kept for minutes, where it has no price of its own.
    """

    input: Decimal
    cache_read: Decimal
    cache_write: Decimal
    output: Decimal
    cache_write_1h: Decimal | None = None

    def of(self, usage_class: str) -> Decimal:
        if usage_class == CACHE_WRITE_1H:
            return self.cache_write if self.cache_write_1h is None else self.cache_write_1h
        return self.output if usage_class == "reasoning" else Decimal(getattr(self, usage_class))


@dataclass(frozen=True, slots=True)
class PriceOverride:
    """A price that wins over the price list from ``valid_from`` (aware) on, for one model by its exact name."""

    provider: str
    model: str
    valid_from: datetime
    prices: UnitPrices


@dataclass(frozen=True, slots=True)
class ReceiptLine:
    usage_class: str
    tokens: int
    unit_price: Decimal
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Receipt:
    """``total`` in USD is the sum of the lines, or what the provider reported, which has no lines.

    ``price_date`` is the day from which the price holds, where its source tells it.
    """

    total: Decimal
    source: str
    lines: tuple[ReceiptLine, ...] = ()
    price_date: date | None = None

    def as_json(self) -> dict[str, Any]:
        """Decimals as strings, so that nothing is rounded on the way through JSON."""
        lines = [
            {**asdict(line), "unit_price": f"{line.unit_price:f}", "amount": f"{line.amount:f}"} for line in self.lines
        ]
        day = self.price_date.isoformat() if self.price_date else None
        return {"total": f"{self.total:f}", "source": self.source, "price_date": day, "lines": lines}


@dataclass(frozen=True, slots=True)
class _Price:
    prices: UnitPrices
    source: str
    day: date | None = None


def price(
    tokens: TokenCounts,
    *,
    provider: str,
    model: str,
    at: datetime,
    overrides: Iterable[PriceOverride] = (),
    base_url: str = "",
    reported_cost_usd: str | None = None,
    cache_write_1h: int = 0,
) -> Receipt | None:
    """The receipt of a call made at the aware time ``at``, or None where no price is known.

    ``cache_write_1h`` of the tokens written to the cache are kept there for an hour.
    """
    reported = _reported(reported_cost_usd)
    if reported is not None:
        return Receipt(total=reported, source=REPORTED)
    found = _find(provider, model, at, overrides, tokens.total_input, base_url)
    if found is None:
        return None
    counts = asdict(tokens) | {"cache_write": tokens.cache_write - cache_write_1h, CACHE_WRITE_1H: cache_write_1h}
    lines = tuple(_line(name, count, found.prices) for name, count in counts.items() if count)
    total = sum((line.amount for line in lines), Decimal(0))
    return Receipt(total=total, source=found.source, lines=lines, price_date=found.day)


def unit_prices(
    provider: str,
    model: str,
    *,
    at: datetime | None = None,
    overrides: Iterable[PriceOverride] = (),
    base_url: str = "",
) -> UnitPrices | None:
    """The prices of a small request at ``at`` (aware, default now), or None where no price is known."""
    found = _find(provider, model, at or datetime.now(UTC), overrides, 0, base_url)
    return found.prices if found else None


def context_tokens(provider: str, model: str, *, base_url: str = "") -> int | None:
    """The size of the model's context window in tokens, as far as the price list knows it."""
    listed = _listed(provider, model, base_url)
    return listed.context_window if listed else None


def listed_name(provider: str, model: str, *, base_url: str = "") -> str:
    """The price list's name of the model, whatever date or alias it is called by; '' where it is not listed."""
    listed = _listed(provider, model, base_url)
    return listed.id if listed else ""


def _reported(cost: str | None) -> Decimal | None:
    """The provider's own figure; it is input from outside, so nonsense counts as not reported."""
    try:
        value = Decimal(cost or "nan")
    except InvalidOperation:
        return None
    return value if value.is_finite() and 0 <= value < 1_000_000 else None


def _line(usage_class: str, tokens: int, prices: UnitPrices) -> ReceiptLine:
    unit_price = prices.of(usage_class)
    return ReceiptLine(usage_class, tokens, unit_price, (unit_price * tokens).scaleb(-6))


def _find(
    provider: str,
    model: str,
    at: datetime,
    overrides: Iterable[PriceOverride],
    total_input: int,
    base_url: str,
) -> _Price | None:
    matching = (o for o in overrides if (o.provider, o.model) == (provider, model) and o.valid_from <= at)
    override = max(matching, key=lambda o: o.valid_from, default=None)
    if override is not None:
        return _Price(override.prices, OVERRIDE, override.valid_from.date())
    if provider in PROVIDERS and PROVIDERS[provider].is_free:
        zero = Decimal(0)
        return _Price(UnitPrices(zero, zero, zero, zero), SANDBOX)
    listed = _listed(provider, model, base_url)
    return _from_list(listed, at, total_input) if listed else None


def _from_list(listed: ModelInfo, at: datetime, total_input: int) -> _Price | None:
    prices = listed.get_prices(at)
    input_price = _at_tier(prices.input_mtok, total_input)
    output_price = _at_tier(prices.output_mtok, total_input)
    if input_price is None or output_price is None:
        return None
    cache_read, cache_write = (
        _at_tier(prices.cache_read_mtok, total_input),
        _at_tier(prices.cache_write_mtok, total_input),
    )
    cache_write_1h = _at_tier(prices.cache_write_1h_mtok, total_input)
    found = UnitPrices(
        input=input_price,
        # Where caching has no price of its own, cached tokens are billed as input.
        cache_read=input_price if cache_read is None else cache_read,
        cache_write=input_price if cache_write is None else cache_write,
        output=output_price,
        cache_write_1h=cache_write_1h,
    )
    return _Price(found, PRICE_LIST, _valid_from(listed, at))


def _at_tier(price: Decimal | TieredPrices | None, total_input: int) -> Decimal | None:
    """Crossing a tier's start raises the price of all tokens of the call, not only of those above it."""
    if not isinstance(price, TieredPrices):
        return price
    reached = [tier.price for tier in price.tiers if total_input > tier.start]
    return reached[-1] if reached else price.base


def _valid_from(listed: ModelInfo, at: datetime) -> date | None:
    if not isinstance(listed.prices, list):
        return None
    starts = [
        conditional.constraint.start_date
        for conditional in listed.prices
        if isinstance(conditional.constraint, StartDateConstraint) and conditional.constraint.active(at)
    ]
    return max(starts, default=None)


@lru_cache(maxsize=4096)
def _listed(provider: str, model: str, base_url: str) -> ModelInfo | None:
    """The price list's entry for a model; searching it takes a millisecond, so the answer is kept."""
    provider_id, name = PROVIDERS[provider].price_list if provider in PROVIDERS else "", model
    if "*" in provider_id:
        name, _, behind = model.partition(":")
        provider_id = provider_id.replace("*", behind)
    provider_id = _listed_server(base_url) or provider_id
    try:
        return get_snapshot().find_provider_model(name, None, provider_id, None)[1]
    except LookupError:
        return None


def _listed_server(base_url: str) -> str | None:
    try:
        return get_snapshot().find_provider(None, None, base_url).id if base_url else None
    except LookupError:
        return None
