"""Vectors from a provider, by a chosen provider key."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from accounts.admission import release_slot
from accounts.models import User
from inference.providers.embedding import adapter_of
from inference.providers.errors import ProviderError
from inference.search.embedders.base import EmbedderFailed, Vectors, checked
from inference.search.models import Embedder
from tokens.models import ProviderToken
from tokens.services import TokenUnreadable, open_token

# Seconds: of a search, that somebody waits for, and of the worker.
QUERY_SECONDS, BATCH_SECONDS = 2.0, 60.0
# What halfvec can be indexed by.
MOST_DIMENSIONS = 4000


class ProviderEmbedder:
    """Each use of the key is recorded, as that of its owner."""

    def __init__(self, embedder: Embedder, *, seconds: float) -> None:
        self._embedder, self._seconds = embedder, seconds

    @property
    def dimension(self) -> int:
        return self._embedder.dimension

    def embed(self, texts: Sequence[str]) -> Vectors:
        token = self._embedder.token
        if token is None:
            raise EmbedderFailed("The provider key of the embedder was deleted.")
        raw = raw_vectors(token, self._embedder.model, texts, actor=token.owner, seconds=self._seconds)
        return checked(raw, count=len(texts), dimension=self.dimension)


def raw_vectors(token: ProviderToken, model: str, texts: Sequence[str], *, actor: User, seconds: float) -> Any:
    """As the provider sent them. Raises EmbedderFailed."""
    try:
        adapter = adapter_of(token.provider)
        secret = open_token(token_id=token.pk, actor=actor)
    except KeyError as error:
        raise EmbedderFailed(f"{token.get_provider_display()} offers no embeddings.") from error
    except (TokenUnreadable, ProviderToken.DoesNotExist) as error:
        raise EmbedderFailed("The provider key cannot be used.") from error
    asking = adapter.embed(texts, model=model, api_key=secret, base_url=token.base_url or None, seconds=seconds)
    try:
        with release_slot():
            return asyncio.run(_within(asking, seconds))
    except ProviderError as error:
        raise EmbedderFailed(error.message) from error
    except TimeoutError as error:
        raise EmbedderFailed(f"The provider did not answer within {seconds:.0f} seconds.") from error


async def _within(asking: Any, seconds: float) -> Any:
    async with asyncio.timeout(seconds):
        return await asking


def dimension_of(token: ProviderToken, model: str, *, actor: User) -> int:
    """What the model makes, found out by one call. Raises EmbedderFailed."""
    raw = raw_vectors(token, model, ["dimension"], actor=actor, seconds=20)
    found = len(raw[0]) if isinstance(raw, list) and raw and isinstance(raw[0], list) else 0
    if not 0 < found <= MOST_DIMENSIONS:
        raise EmbedderFailed(f"Vectors must have 1 to {MOST_DIMENSIONS:,} dimensions; this model gives {found:,}.")
    checked(raw, count=1, dimension=found)
    return found
