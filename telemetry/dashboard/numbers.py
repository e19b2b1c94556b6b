"""Numbers as the pages of figures write them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from telemetry.rollups.histogram import fewest, percentile

PERCENTILES = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99}
# A change for the worse from which on it is coloured.
NOTABLE_PERCENT = 10


def compact(value: float) -> str:
    """``950``, ``1.2k``, ``28.4M``."""
    for limit, divisor, unit in ((1e9, 1e9, "B"), (1e6, 1e6, "M"), (1e4, 1e3, "k")):
        if abs(value) >= limit:
            return f"{value / divisor:.1f}".removesuffix(".0") + unit
    return f"{value:,.0f}"


def axis_count(value: float) -> str:
    for limit, unit in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        if value >= limit:
            return f"{value / limit:.1f}".removesuffix(".0") + unit
    return f"{value:g}"


def axis_dollars(value: float) -> str:
    return f"${axis_count(value)}"


def axis_seconds(value: float) -> str:
    return f"{value:g} s"


def seconds(value: float | None) -> str:
    """Without the unit: ``0.72``, ``2.5``, ``81``."""
    if value is None:
        return "–"
    return f"{value:.2f}" if value < 1 else f"{value:.1f}" if value < 60 else f"{value:,.0f}"


def percentiles(counts: Mapping[int, int]) -> list[tuple[str, str]]:
    """``("p50", "0.72 s")`` and so on, of a histogram of seconds; a dash where there are too few for one."""
    samples = sum(counts.values())
    return [
        (name, f"{seconds(percentile(counts, fraction))} s" if samples >= fewest(fraction) else "–")
        for name, fraction in PERCENTILES.items()
    ]


def samples(count: int) -> str:
    """``n = 39,983``, and for which percentiles that is too few."""
    missing = [name for name, fraction in PERCENTILES.items() if count < fewest(fraction)]
    few = f", too few for {' and '.join(missing[-2:])}" if missing and count else ""
    return f"n = {count:,}{few}"


def dollars(value: Decimal) -> str:
    """A sum: two decimals, or how small it is."""
    return "<$0.01" if 0 < value < Decimal("0.01") else f"${value:,.2f}"


def cost(usd: Decimal, *, unpriced: int) -> str:
    """Calls without a price are not free."""
    return "unpriced" if unpriced and not usd else dollars(usd)


def cost_of_call(usd: Decimal) -> str:
    """Five decimals, so that points stand below each other."""
    return "<$0.00001" if 0 < usd < Decimal("0.00001") else f"${usd:,.5f}"


def whole_dollars(value: Decimal) -> str:
    """An estimate: no cents, unless it is a matter of them."""
    return f"${value:,.0f}" if value >= 10 else dollars(value)


@dataclass(frozen=True, slots=True)
class Delta:
    """``percent`` is unsigned, and None where there was nothing before. ``is_worse`` by enough to be noted."""

    percent: int | None
    goes_up: bool = False
    is_worse: bool = False


def delta(now: float | Decimal | None, before: float | Decimal | None, *, less_is_better: bool = False) -> Delta:
    if now is None or not before:
        return Delta(None)
    percent = round((float(now) / float(before) - 1) * 100)
    return Delta(abs(percent), percent > 0, less_is_better and percent >= NOTABLE_PERCENT)
