"""The embedder that is always there: WordLlama's static token vectors, from its wheel, without network.

A text is the mean of the vectors of its tokens, which are longer the more a token says. Words are looked up once: of a
text of words that are known, embedding is a sum.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from inference.search.embedders.base import Vectors, normalized

NAME, DIMENSION = "wordllama-l2-supercat-256", 256
_CONFIG = "l2_supercat"
_MOST_WORDS, _LONGEST_WORD, _AT_ONCE = 60_000, 40, 16


class WordVectors:
    """Sums of token vectors by word, and how many tokens each has. Not for several threads at once."""

    def __init__(self, tokenizer: Any, table: Vectors) -> None:
        self._tokenizer, self._table = tokenizer, table
        self._forget()

    def _forget(self) -> None:
        self._rows: dict[str, int] = {}
        self._sums = np.zeros((1024, DIMENSION), dtype=np.float32)
        self._counts = np.zeros(1024, dtype=np.float32)

    def rows_of(self, texts: Sequence[Sequence[str]]) -> list[list[int]]:
        if len(self._rows) > _MOST_WORDS:
            self._forget()
        new = list({word for words in texts for word in words if word not in self._rows})
        if new:
            self._learn(new)
        rows = self._rows
        return [[rows[word] for word in words] for words in texts]

    def _learn(self, words: Sequence[str]) -> None:
        begin = len(self._rows)
        while begin + len(words) > len(self._counts):
            self._sums = np.concatenate([self._sums, np.zeros_like(self._sums)])
            self._counts = np.concatenate([self._counts, np.zeros_like(self._counts)])
        for place, encoding in enumerate(self._tokenizer.encode_batch(words, add_special_tokens=False), start=begin):
            self._rows[words[place - begin]] = place
            self._sums[place] = self._table[encoding.ids].sum(axis=0)
            self._counts[place] = len(encoding.ids)

    def mean(self, rows: Sequence[Sequence[int]]) -> Vectors:
        """Some texts at a time, so that what is added up stays in the processor's cache."""
        return np.concatenate([self._mean(rows[start : start + _AT_ONCE]) for start in range(0, len(rows), _AT_ONCE)])

    def _mean(self, rows: Sequence[Sequence[int]]) -> Vectors:
        lengths = [len(words) for words in rows]
        flat = np.fromiter((row for words in rows for row in words), dtype=np.int64, count=sum(lengths))
        starts = np.concatenate(([0], np.cumsum(lengths)[:-1]))
        sums = np.add.reduceat(self._sums[flat], starts, axis=0)
        counts = np.add.reduceat(self._counts[flat], starts)
        return np.asarray(sums / np.maximum(counts, 1)[:, None], dtype=np.float32)


class LocalEmbedder:
    dimension = DIMENSION

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._words: WordVectors | None = None

    def embed(self, texts: Sequence[str]) -> Vectors:
        vectors = np.zeros((len(texts), DIMENSION), dtype=np.float32)
        split = [_words_of(text) for text in texts]
        filled = [place for place, words in enumerate(split) if words]
        if filled:
            with self._lock:
                words = self._words = self._words or _load()
                vectors[filled] = words.mean(words.rows_of([split[place] for place in filled]))
        return normalized(vectors)


def _words_of(text: str) -> list[str]:
    """Runs without spaces are cut: each of them is remembered as a word."""
    return [
        word[start : start + _LONGEST_WORD]
        for word in text.lower().split()
        for start in range(0, len(word), _LONGEST_WORD)
    ]


def _load() -> WordVectors:
    """Takes a second, and 60 MB of memory."""
    import wordllama

    folder = Path(wordllama.__file__).parent
    model = wordllama.WordLlama.load(config=_CONFIG, dim=DIMENSION, cache_dir=folder, disable_download=True)
    model.tokenizer.no_padding()
    return WordVectors(model.tokenizer, model.embedding)


@cache
def local_embedder() -> LocalEmbedder:
    """That of this process."""
    return LocalEmbedder()
