"""Vectors in groups of which nobody says beforehand how many there are. Pure.

DP-means (Kulis and Jordan, ICML 2012) on the unit sphere: a vector that is near to no center begins a group.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from inference.search.embedders.base import Vectors, normalized

# Cosines. Below the first a vector begins a group of its own; above the second two groups are one.
NEAR, SAME, STILL_THE_SAME = 0.5, 0.72, 0.8
_ROUNDS = 8
Labels = NDArray[np.int64]


def clustered(vectors: Vectors, *, near: float = NEAR, same: float = SAME) -> tuple[Labels, Vectors]:
    """The group of each vector, counted from 0, and the centers of the groups. Always the same for the same vectors."""
    centers = _begun(vectors, near)
    labels = np.zeros(len(vectors), dtype=np.int64)
    for _ in range(_ROUNDS):
        before, labels = labels, np.asarray((vectors @ centers.T).argmax(axis=1), dtype=np.int64)
        centers, labels = _centers(vectors, labels)
        centers, labels = _merged(vectors, centers, labels, same)
        if np.array_equal(before, labels):
            break
    return labels, centers


def _begun(vectors: Vectors, near: float) -> Vectors:
    centers = np.empty_like(vectors)
    count = 0
    for vector in vectors:
        if count == 0 or float((centers[:count] @ vector).max()) < near:
            centers[count] = vector
            count += 1
    return centers[:count].copy()


def _centers(vectors: Vectors, labels: Labels) -> tuple[Vectors, Labels]:
    """Of the groups that have any vectors, numbered anew."""
    kept, labels = np.unique(labels, return_inverse=True)
    sums = np.zeros((len(kept), vectors.shape[1]), dtype=np.float32)
    np.add.at(sums, labels, vectors)
    return normalized(sums), np.asarray(labels, dtype=np.int64)


def _merged(vectors: Vectors, centers: Vectors, labels: Labels, same: float) -> tuple[Vectors, Labels]:
    """Each group joins the first one before it that it is the same as."""
    alike = centers @ centers.T >= same
    target = np.asarray(alike.argmax(axis=1), dtype=np.int64)
    return _centers(vectors, target[target][labels])


def recognised(old: Vectors, new: Vectors, *, least: float = STILL_THE_SAME) -> Mapping[int, int]:
    """By the new groups, which old one each of them is: the nearest first, each once."""
    if not len(old) or not len(new):
        return {}
    likeness = new @ old.T
    found: dict[int, int] = {}
    taken: set[int] = set()
    for flat in np.argsort(-likeness, axis=None):
        fresh, known = divmod(int(flat), len(old))
        if likeness[fresh, known] < least:
            break
        if fresh not in found and known not in taken:
            found[fresh] = known
            taken.add(known)
    return found


def sizes(labels: Labels) -> Sequence[int]:
    return [int(size) for size in np.bincount(labels)] if len(labels) else []
