"""How like groups are to labels, and groups by k-means to compare with."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Labels = NDArray[np.int64]


def purity(found: Labels, truth: Labels) -> float:
    """Share of those that are in a group with the label that is the most frequent in it."""
    return float(_table(found, truth).max(axis=1).sum() / len(truth))


def nmi(found: Labels, truth: Labels) -> float:
    """Normalized mutual information, by the arithmetic mean of the entropies."""
    joint = _table(found, truth) / len(truth)
    rows, columns = joint.sum(axis=1), joint.sum(axis=0)
    shared = joint > 0
    information = float((joint[shared] * np.log(joint[shared] / np.outer(rows, columns)[shared])).sum())
    return 2 * information / max(_entropy(rows) + _entropy(columns), 1e-12)


def _table(found: Labels, truth: Labels) -> Any:
    table = np.zeros((found.max() + 1, truth.max() + 1))
    np.add.at(table, (found, truth), 1)
    return table


def _entropy(shares: Any) -> float:
    shares = shares[shares > 0]
    return float(-(shares * np.log(shares)).sum())


def k_means(vectors: Any, count: int, *, rounds: int = 25, seed: int = 1) -> Labels:
    """On the unit sphere, begun as k-means++ does."""
    chance = np.random.default_rng(seed)
    centers = [vectors[chance.integers(len(vectors))]]
    apart = 1 - vectors @ centers[0]
    for _ in range(count - 1):
        weights = np.maximum(apart, 0)
        centers.append(vectors[chance.choice(len(vectors), p=weights / weights.sum())])
        apart = np.minimum(apart, 1 - vectors @ centers[-1])
    middle = np.stack(centers)
    labels = np.zeros(len(vectors), dtype=np.int64)
    for _ in range(rounds):
        labels = np.asarray((vectors @ middle.T).argmax(axis=1), dtype=np.int64)
        sums = np.zeros_like(middle)
        np.add.at(sums, labels, vectors)
        lengths = np.linalg.norm(sums, axis=1, keepdims=True)
        middle = np.where(lengths > 0, sums / np.maximum(lengths, 1e-9), middle)
    return labels
