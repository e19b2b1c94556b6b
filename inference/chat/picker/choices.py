"""Models to choose from, with what is known of each: size, prices, abilities."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING
from uuid import UUID

from django.core.cache import cache

from accounts.providers import is_endpoint
from inference.attachments.abilities import Abilities, abilities_of
from inference.attachments.listed import Listing, Told, inputs_of, list_key
from inference.providers import model_names
from inference.providers.registry import get_adapter
from telemetry.models import PriceOverride
from telemetry.pricing import PriceOverride as Override
from telemetry.pricing import UnitPrices, context_tokens, unit_prices
from tokens.models import ProviderToken
from tokens.services import pick_token

if TYPE_CHECKING:
    from accounts.models import User

_UNTOLD = Told(chats=None, tools=None, reasons=None)


@dataclass(frozen=True, slots=True)
class Choice:
    """One model. Prices are USD per million tokens; None where nobody knows them.

    ``abilities`` decide what may be sent; ``sees``, ``tools`` and ``reasons`` are only shown, and may go by the name.
    """

    id: str
    context_tokens: int | None
    prices: UnitPrices | None
    abilities: Abilities = Abilities()
    chats: bool = True
    sees: bool = False
    tools: bool = False
    reasons: bool = False

    @property
    def input_price(self) -> Decimal | None:
        return self.prices.input if self.prices else None

    @property
    def output_price(self) -> Decimal | None:
        return self.prices.output if self.prices else None


def choice_of(user: User, provider: str, model: str, token_id: UUID | None = None) -> Choice:
    """One model by its name, without asking the provider."""
    token = pick_token(user=user, provider=provider, token_id=token_id)
    listing: Listing | None = cache.get(list_key(provider, token))
    [choice] = choices_at(token, provider, [model], listing, PriceOverride.objects.of(provider, model))
    return choice


def choices_at(
    token: ProviderToken | None,
    provider: str,
    models: Sequence[str],
    listing: Listing | None,
    overrides: Iterable[Override],
) -> list[Choice]:
    """Of models at the endpoint of ``token``, whose list may be known."""
    contexts = dict(listing["models"]) if listing else {}
    known = list(overrides)
    return [_choice(token, provider, model, contexts.get(model), listing, known) for model in models]


def _choice(
    token: ProviderToken | None,
    provider: str,
    model: str,
    context: int | None,
    listing: Listing | None,
    overrides: Iterable[Override],
) -> Choice:
    base_url = token.base_url if token else ""
    told = listing.get("told", {}).get(model, _UNTOLD) if listing else _UNTOLD
    abilities = abilities_of(provider, model, base_url=base_url, listed=inputs_of(listing, model))
    is_known = not is_endpoint(provider)
    return Choice(
        id=model,
        context_tokens=context or context_tokens(provider, model, base_url=base_url),
        prices=unit_prices(provider, model, overrides=overrides, base_url=base_url),
        abilities=abilities,
        chats=_told_or(told["chats"], model_names.can_chat(model)),
        sees=_told_or(abilities.images, model_names.sees_images(model)),
        tools=_told_or(told["tools"], _calls_tools(provider, model) if is_known else model_names.calls_tools(model)),
        reasons=_told_or(told["reasons"], model_names.reasons(model)),
    )


def _calls_tools(provider: str, model: str) -> bool:
    try:
        return get_adapter(provider).abilities(model).tools
    except (KeyError, ImportError):
        return False


def _told_or(told: bool | None, guess: bool) -> bool:
    return guess if told is None else told
