"""What a service tier changes of the prices of a model. Pure.

The price list has the prices of a tier for each model that its provider publishes them for, from the day on which they
were checked. For earlier calls, and models that it has none for, the published share of the usual price holds, where
there is one: https://developers.openai.com/api/docs/guides/flex-processing, .../guides/batch,
https://platform.claude.com/docs/en/build-with-claude/batch-processing (2026-11).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from genai_prices.types import ModelInfo, ModelPrice

HALF = Decimal("0.5")
_SHARES: Mapping[tuple[str, str], Decimal] = {
    ("openai", "flex"): HALF,
    ("openai", "batch"): HALF,
    ("anthropic", "batch"): HALF,
}
# Dearer by a factor of each model, or paid beforehand (https://platform.claude.com/docs/en/api/service-tiers).
_WITHOUT_SHARE = {("openai", "priority"), ("openai", "fast"), ("openai", "scale"), ("anthropic", "priority")}
# What the price list calls it that a call went through a tier.
_KEYS = ("service_tier", "processing")


def prices_in_tier(listed: ModelInfo, provider: str, tier: str, at: datetime) -> tuple[ModelPrice, Decimal] | None:
    """The prices of the tier and a factor for them all; None where nobody has published what it costs."""
    name = tier.lower()
    for key in _KEYS:
        if _has_variant(listed, key, name, at):
            return listed.get_prices(at, {key: name}), Decimal(1)
    if (provider, name) in _WITHOUT_SHARE:
        return None
    return listed.get_prices(at), _SHARES.get((provider, name), Decimal(1))


def _has_variant(listed: ModelInfo, key: str, name: str, at: datetime) -> bool:
    return any(
        variant.when == {key: name} and (variant.constraint is None or variant.constraint.active(at))
        for variant in listed.price_variants or ()
    )
