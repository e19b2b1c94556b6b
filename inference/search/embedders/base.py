"""The contract of what turns texts into vectors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]


class EmbedderFailed(Exception):
    """No vectors, or none that can be used. The message names no text."""


class TextEmbedder(Protocol):
    @property
    def dimension(self) -> int: ...

    def embed(self, texts: Sequence[str]) -> Vectors:
        """One row of length 1 for each text, or of length 0 where a text has nothing to compare.

        Raises EmbedderFailed.
        """
        ...


def checked(raw: Any, *, count: int, dimension: int) -> Vectors:
    """Raises EmbedderFailed for another shape, or for numbers that are none."""
    try:
        vectors = np.asarray(raw, dtype=np.float32)
    except (TypeError, ValueError, OverflowError) as error:
        raise EmbedderFailed("The embedder returned something other than vectors.") from error
    if vectors.ndim != 2:
        raise EmbedderFailed("The embedder returned something other than one vector for each text.")
    if vectors.shape[0] != count:
        raise EmbedderFailed(f"The embedder returned {len(vectors)} vectors for {count} texts.")
    if vectors.shape[1] != dimension:
        raise EmbedderFailed(f"The embedder returned {vectors.shape[1]} dimensions instead of {dimension}.")
    if not np.isfinite(vectors).all():
        raise EmbedderFailed("The embedder returned numbers that are not finite.")
    if not vectors.any(axis=1).all():
        raise EmbedderFailed("The embedder returned a vector of nothing but zeros.")
    return normalized(vectors)


def normalized(vectors: Vectors) -> Vectors:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-9), dtype=np.float32)
