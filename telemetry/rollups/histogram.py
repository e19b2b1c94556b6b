"""Durations in bins whose bounds grow by a tenth, so that histograms can be added and any percentile read from them.

A percentile is off by 5% at most. Pure. The database has the same bins: ``telemetry_bin`` and ``telemetry_in_bin``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

RATIO = 1.1
# The first bin begins at a millisecond, and has all that is shorter; the last one all from about an hour on.
SHORTEST_MS = 1.0
BINS = 160


def bin_of(seconds: float) -> int:
    return min(math.floor(math.log(max(seconds * 1000, SHORTEST_MS)) / math.log(RATIO)), BINS - 1)


def lower_bound(number: int) -> float:
    """In seconds."""
    return SHORTEST_MS * math.pow(RATIO, number) / 1000


def percentile(counts: Mapping[int, int], fraction: float) -> float | None:
    """In seconds: the middle, by ratio, of the bin below which ``fraction`` (0 to 1) of the values lie."""
    total = sum(counts.values())
    below = 0
    for number in sorted(counts):
        below += counts[number]
        if below >= fraction * total and below:
            return lower_bound(number) * math.sqrt(RATIO)
    return None


def fewest(fraction: float) -> int:
    """So many values there must be for one of them to lie beyond the percentile."""
    return round(1 / (1 - fraction))
