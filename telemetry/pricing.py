"""What a call cost, in USD, as exact decimals. Pure: plain values in, plain values out, no network.

Prices come, in this order, from what the provider itself reports, from overrides, and from the price list of the
``genai-prices`` package. A price that nobody knows is None, never zero. ``base_url`` is the server that was called in
place of the provider's own: where the list knows it, its prices hold, and else those of the provider whose dialect it
speaks, since most such servers are gateways to it. A server that charges otherwise gets an override.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from importlib.metadata import version
from typing import Any

from genai_prices.data_snapshot import DataSnapshot, get_snapshot, set_custom_snapshot
from genai_prices.types import ModelInfo, ModelPrice, StartDateConstraint, TieredPrices

from accounts.providers import PROVIDERS
from telemetry.service_tiers import prices_in_tier

PRICE_LIST = f"genai-prices {version('genai-prices')}"
REPORTED = "provider"
OVERRIDE = "override"
SANDBOX = "sandbox"
CACHE_WRITE_1H = "cache_write_1h"
# Parts of the classes that may have a price of their own, by the names that the price list has for it.
PARTS: Mapping[str, Mapping[str, str]] = {
    "input": {"input_audio": "input_audio_mtok", "input_image": "input_image_mtok", "input_video": "input_video_mtok"},
    "cache_read": {
        "cache_read_audio": "cache_audio_read_mtok",
        "cache_read_image": "cache_image_read_mtok",
    },
    "cache_write": {CACHE_WRITE_1H: "cache_write_1h_mtok"},
    "output": {"output_audio": "output_audio_mtok", "output_image": "output_image_mtok"},
    "reasoning": {},
}
_NO_PARTS: Mapping[str, int] = {}
_ONE = Decimal(1)
# What is billed by the piece, with the name of its price for a thousand.
FEES = {"web_searches": "web_searches_kcount", "requests": "requests_kcount"}


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
    """USD for a million tokens of each class. Reasoning is billed as output, unless it is among the parts.

    ``parts``: of those in ``PARTS`` and ``FEES`` that have a price of their own, for a million of each.
    """

    input: Decimal
    cache_read: Decimal
    cache_write: Decimal
    output: Decimal
    parts: Mapping[str, Decimal] = field(default_factory=dict)

    def of(self, usage_class: str) -> Decimal:
        if usage_class in self.parts:
            return self.parts[usage_class]
        return self.output if usage_class == "reasoning" else Decimal(getattr(self, usage_class))


@dataclass(frozen=True, slots=True)
class PriceOverride:
    """A price that wins over the price list from ``valid_from`` until ``valid_until`` (both aware).

    For one model by its exact name. Where the newest one has ended, the price list holds.
    """

    provider: str
    model: str
    valid_from: datetime
    prices: UnitPrices
    valid_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class ReceiptLine:
    usage_class: str
    tokens: int
    unit_price: Decimal
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Receipt:
    """``total`` in USD is the sum of the lines, or what the provider reported, which has no lines.

    ``price_date`` is the day from which the price holds, where its source tells it; ``service_tier`` one whose prices
    are not the usual ones.
    """

    total: Decimal
    source: str
    lines: tuple[ReceiptLine, ...] = ()
    price_date: date | None = None
    service_tier: str = ""

    def as_json(self) -> dict[str, Any]:
        """Decimals as strings, so that nothing is rounded on the way through JSON."""
        lines = [
            {**asdict(line), "unit_price": f"{line.unit_price:f}", "amount": f"{line.amount:f}"} for line in self.lines
        ]
        day = self.price_date.isoformat() if self.price_date else None
        tier = {"service_tier": self.service_tier} if self.service_tier else {}
        return {"total": f"{self.total:f}", "source": self.source, "price_date": day, "lines": lines, **tier}


@dataclass(frozen=True, slots=True)
class _Price:
    prices: UnitPrices
    source: str
    day: date | None = None
    tier: str = ""


def price(
    tokens: TokenCounts,
    *,
    provider: str,
    model: str,
    at: datetime,
    overrides: Iterable[PriceOverride] = (),
    base_url: str = "",
    reported_cost_usd: str | None = None,
    parts: Mapping[str, int] = _NO_PARTS,
    service_tier: str = "",
) -> Receipt | None:
    """The receipt of a call made at the aware time ``at``, or None where no price is known.

    ``parts``: how many tokens of the classes are of a kind in ``PARTS``, and how much there was of what is in ``FEES``.
    """
    reported = _reported(reported_cost_usd)
    if reported is not None:
        return Receipt(total=reported, source=REPORTED)
    found = _find(provider, model, at, overrides, tokens.total_input, base_url, service_tier)
    if found is None:
        return None
    lines = tuple(_lines(tokens, parts, found.prices))
    total = sum((line.amount for line in lines), Decimal(0))
    return Receipt(total=total, source=found.source, lines=lines, price_date=found.day, service_tier=found.tier)


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


def use_price_list(snapshot: DataSnapshot | None, name: str = PRICE_LIST) -> None:
    """From now on and in this process, instead of the one that AISTRALE came with; None goes back to that one."""
    set_custom_snapshot(snapshot)
    _used.update(name=name)
    _listed.cache_clear()


def price_list_name() -> str:
    return _used["name"]


_used = {"name": PRICE_LIST}


def is_deprecated(provider: str, model: str) -> bool:
    """As far as the price list knows."""
    listed = _listed(provider, model, "")
    return bool(listed and listed.deprecated)


def price_source(
    provider: str, model: str, *, at: datetime, overrides: Iterable[PriceOverride] = ()
) -> tuple[UnitPrices, str, date | None] | None:
    """The prices of a small request, where they come from, and since when; None where no price is known."""
    found = _find(provider, model, at, overrides, 0, "")
    return (found.prices, found.source, found.day) if found else None


def _reported(cost: str | None) -> Decimal | None:
    """The provider's own figure; it is input from outside, so nonsense counts as not reported."""
    try:
        value = Decimal(cost or "nan")
    except InvalidOperation:
        return None
    return value if value.is_finite() and 0 <= value < 1_000_000 else None


def _lines(tokens: TokenCounts, parts: Mapping[str, int], prices: UnitPrices) -> Iterator[ReceiptLine]:
    for usage_class, count in asdict(tokens).items():
        apart = dict(_parts_of(usage_class, count, parts, prices))
        for name, some in {usage_class: count - sum(apart.values()), **apart}.items():
            if some:
                yield _line(name, some, prices.of(name))
    pieces = {"requests": 1, **parts}
    for fee in FEES:
        if pieces.get(fee) and fee in prices.parts:
            yield _line(fee, pieces[fee], prices.parts[fee])


def _parts_of(usage_class: str, count: int, parts: Mapping[str, int], prices: UnitPrices) -> Iterator[tuple[str, int]]:
    """Those with a price of their own, of a class of ``count`` tokens, and never more than it has."""
    for name in PARTS[usage_class]:
        some = min(parts.get(name, 0), count)
        if some and name in prices.parts:
            count -= some
            yield name, some


def _line(usage_class: str, tokens: int, unit_price: Decimal) -> ReceiptLine:
    return ReceiptLine(usage_class, tokens, unit_price, (unit_price * tokens).scaleb(-6))


def _find(
    provider: str,
    model: str,
    at: datetime,
    overrides: Iterable[PriceOverride],
    total_input: int,
    base_url: str,
    tier: str = "",
) -> _Price | None:
    """A price that an administrator sets holds for every tier."""
    matching = (o for o in overrides if (o.provider, o.model) == (provider, model) and o.valid_from <= at)
    override = max(matching, key=lambda o: o.valid_from, default=None)
    if override is not None and (override.valid_until is None or at < override.valid_until):
        return _Price(override.prices, OVERRIDE, override.valid_from.date())
    if provider in PROVIDERS and PROVIDERS[provider].is_free:
        zero = Decimal(0)
        return _Price(UnitPrices(zero, zero, zero, zero), SANDBOX)
    listed = _listed(provider, model, base_url)
    return _from_list(listed, provider, at, total_input, tier) if listed else None


def _from_list(listed: ModelInfo, provider: str, at: datetime, total_input: int, tier: str) -> _Price | None:
    in_tier = prices_in_tier(listed, provider, tier, at)
    usual = _unit_prices(listed.get_prices(at), total_input)
    if in_tier is None or usual is None:
        return None
    prices, factor = in_tier
    found = _unit_prices(prices, total_input, factor)
    if found is None:
        return None
    return _Price(found, price_list_name(), _valid_from(listed, at), tier if found != usual else "")


def _unit_prices(prices: ModelPrice, total_input: int, factor: Decimal = _ONE) -> UnitPrices | None:
    """``factor``: of all tokens; what is billed by the piece costs what it always does."""
    input_price, output_price, cache_read, cache_write = (
        _times(_at_tier(one, total_input), factor)
        for one in (prices.input_mtok, prices.output_mtok, prices.cache_read_mtok, prices.cache_write_mtok)
    )
    if input_price is None or output_price is None:
        return None
    parts = _listed_parts(prices, total_input)
    return UnitPrices(
        input=input_price,
        # Where caching has no price of its own, cached tokens are billed as input.
        cache_read=input_price if cache_read is None else cache_read,
        cache_write=input_price if cache_write is None else cache_write,
        output=output_price,
        parts={name: value if name in FEES else value * factor for name, value in parts},
    )


def _times(price: Decimal | None, factor: Decimal) -> Decimal | None:
    return None if price is None else price * factor


def _listed_parts(prices: ModelPrice, total_input: int) -> Iterator[tuple[str, Decimal]]:
    for names, per_million in (*((names, 1) for names in PARTS.values()), (FEES, 1000)):
        for name, listed in names.items():
            unit_price = _at_tier(getattr(prices, listed, None), total_input)
            if unit_price is not None:
                yield name, unit_price * per_million
    reasoning = _at_tier(getattr(prices, "output_reasoning_mtok", None), total_input)
    if reasoning is not None:
        yield "reasoning", reasoning


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
