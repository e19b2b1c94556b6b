"""The prices of the models that are called."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from urllib.parse import urlencode

from django.urls import reverse

from accounts.providers import label_of
from telemetry.prices.models import PriceOverride
from telemetry.prices.retirements import (
    LATELY,
    Callers,
    Model,
    Retirement,
    callers_of_models,
    entries_of_administrators,
    retirement_of,
)
from telemetry.pricing import OVERRIDE, SANDBOX, UnitPrices, price_source
from telemetry.report import exact_dollars

_SOURCES = {OVERRIDE: "Set here", SANDBOX: "Free"}


@dataclass(frozen=True, slots=True)
class PricedModel:
    """``prices``: USD per million tokens of input, cache read, cache write and output; none where none are known."""

    provider: str
    label: str
    model: str
    calls: int
    href: str
    prices: list[str]
    source: str
    since: date | None
    override: PriceOverride | None
    retirement: Retirement | None
    query: str


def priced_models(*, users: Collection[int] | None, now: datetime, search: str = "") -> list[PricedModel]:
    """Those that these users have called lately, and those with a price of their own, by provider and name."""
    called = callers_of_models(users=users, since=now - LATELY)
    overrides = list(PriceOverride.objects.all())
    named = set(called) | ({(one.provider, one.model) for one in overrides} if users is None else set())
    entries = entries_of_administrators()
    return [
        _priced(model, called.get(model, Callers(0, 0, 0, 0)), overrides, retirement_of(model, entries), now)
        for model in sorted(named)
        if search.lower() in f"{model[0]} {model[1]}".lower()
    ]


def _priced(
    key: Model, callers: Callers, overrides: list[PriceOverride], retirement: Retirement | None, now: datetime
) -> PricedModel:
    provider, model = key
    own = [one for one in overrides if (one.provider, one.model) == key]
    found = price_source(provider, model, at=now, overrides=[one.for_pricing() for one in own])
    prices, source, since = found or (None, "", None)
    calls = {"provider": provider, "model": model, "range": "30d"}
    return PricedModel(
        provider=provider,
        label=label_of(provider),
        model=model,
        calls=callers.calls,
        href=f"{reverse('telemetry:generation-list')}?{urlencode(calls)}",
        prices=_shown(prices),
        source=_SOURCES.get(source, source),
        since=since,
        override=_newest(own, now),
        retirement=retirement,
        query=f"?{urlencode({'provider': provider, 'model': model})}",
    )


def _shown(prices: UnitPrices | None) -> list[str]:
    if prices is None:
        return []
    values: tuple[Decimal, ...] = (prices.input, prices.cache_read, prices.cache_write, prices.output)
    return [exact_dollars(value) for value in values]


def _newest(own: list[PriceOverride], now: datetime) -> PriceOverride | None:
    """The one that can be changed or ended: it holds, or is going to."""
    left = [one for one in own if one.valid_until is None or one.valid_until > now]
    return max(left, key=lambda one: one.valid_from, default=None)
