"""What the lists of models say that a model takes, as far as they are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, NotRequired, TypedDict

from django.core.cache import cache

from inference.attachments.abilities import Abilities, abilities_of

if TYPE_CHECKING:
    from tokens.models import ProviderToken


class Told(TypedDict):
    """What a list tells of a model, None where it does not."""

    chats: bool | None
    tools: bool | None
    reasons: bool | None


class Listing(TypedDict):
    """What is cached: model ids with their context size, or the error that came instead.

    ``inputs``: by model the kinds of input that the list names, where it names any. ``told``: likewise what else it
    tells, where it tells anything; lists that were kept before the program knew of it have none.
    """

    models: list[tuple[str, int | None]]
    error: str
    inputs: dict[str, list[str]]
    told: NotRequired[dict[str, Told]]


def list_key(provider: str, token: ProviderToken | None) -> str:
    """Of the cache. Each key of a user has its own list; without one, the provider has one for all."""
    return f"models:{token.pk}:{token.fingerprint}" if token else f"models:{provider}"


def abilities_with(provider: str, model: str, token: ProviderToken | None) -> Abilities:
    """Of a model that is called with this key, without asking the provider."""
    listing: Listing | None = cache.get(list_key(provider, token))
    base_url = token.base_url if token else ""
    return abilities_of(provider, model, base_url=base_url, listed=inputs_of(listing, model))


def inputs_of(listing: Listing | None, model: str) -> list[str] | None:
    # A list that was kept before the program knew of inputs has none.
    return listing.get("inputs", {}).get(model) if listing else None
