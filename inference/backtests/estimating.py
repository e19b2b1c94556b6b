"""What a backtest is going to cost: an estimate of the whole, and the most that one replay can cost."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import Count, F, Sum, Value
from django.db.models.functions import Coalesce
from django.utils import timezone

from inference.backtests.models import Backtest
from inference.backtests.replays import Replay
from inference.runs.estimates import estimate_tokens
from inference.runs.start import as_sent
from telemetry.models import Generation, PriceOverride
from telemetry.pricing import TokenCounts, unit_prices
from telemetry.services import cost_of

# How far the count of the provider may be above our estimate of the input.
DOUBT = 2
_MILLION = Decimal(1_000_000)


@dataclass(frozen=True, slots=True)
class Estimate:
    """Of the recorded figures: ``unpriced`` are the calls to models without a known price, ``uncounted`` those without
    figures of their own.
    """

    calls: int
    input_tokens: int
    output_tokens: int
    usd: Decimal
    unpriced: int
    uncounted: int

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "usd": str(self.usd)}


def estimate(backtest: Backtest, call_ids: Collection[UUID]) -> Estimate:
    """At today's prices, if every replay used as many tokens as its original."""
    tokens_in = F("input_tokens") + Coalesce("cache_read_tokens", 0) + Coalesce("cache_write_tokens", 0)
    tokens_out = F("output_tokens") + Coalesce("reasoning_tokens", 0)
    groups = (
        Generation.objects.filter(pk__in=call_ids)
        .order_by()
        .values_list("provider", "request_model", "base_url")
        .annotate(
            count=Count("pk"),
            counted=Count("input_tokens"),
            tokens_in=Sum(tokens_in, default=Value(0)),
            tokens_out=Sum(tokens_out, default=Value(0)),
        )
    )
    found = Estimate(0, 0, 0, Decimal(), 0, 0)
    for provider, model, base_url, count, counted, given, made in groups:
        if backtest.model:
            provider, model, base_url = backtest.provider, backtest.model, ""
        usd = _usd(provider, model, base_url, given, made)
        found = Estimate(
            found.calls + count,
            found.input_tokens + given,
            found.output_tokens + made,
            found.usd + (usd or 0),
            found.unpriced + (count if usd is None else 0),
            found.uncounted + count - counted,
        )
    return found


def _usd(provider: str, model: str, base_url: str, given: int, made: int) -> Decimal | None:
    overrides = PriceOverride.objects.of(provider, model)
    prices = unit_prices(provider, model, at=timezone.now(), overrides=overrides, base_url=base_url)
    return (prices.input * given + prices.output * made) / _MILLION if prices else None


def most_usd(replay: Replay, *, recorded_input: int, base_url: str) -> Decimal | None:
    """None where no price is known. ``recorded_input``: tokens that the recorded call was counted."""
    file_tokens = sum(file.tokens for file in replay.files)
    estimated = estimate_tokens(as_sent(replay.request), "", "", file_tokens=file_tokens).input
    tokens = TokenCounts(input=max(estimated, recorded_input) * DOUBT, output=replay.most_output)
    return cost_of(tokens, provider=replay.provider, model=replay.request.model, base_url=base_url)
