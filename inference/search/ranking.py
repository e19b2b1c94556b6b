"""One order out of several: reciprocal rank fusion (Cormack, Clarke and Büttcher, SIGIR 2009). Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from typing import TypeVar

# Chosen, as the weights are, on one set of `make bench-search`. With 60, the first places count for hardly more.
K = 10
Key = TypeVar("Key", bound=Hashable)


def fused(rankings: Mapping[str, Sequence[Key]], weights: Mapping[str, float]) -> list[Key]:
    """The keys of all rankings, the best first. A key counts once in each, at its first place."""
    scores: defaultdict[Key, float] = defaultdict(float)
    for name, ranking in rankings.items():
        for place, key in enumerate(dict.fromkeys(ranking), start=1):
            scores[key] += weights[name] / (K + place)
    return sorted(scores, key=lambda key: -scores[key])
