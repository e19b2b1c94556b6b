"""The models that a person can choose from, as the providers themselves list them for the person's tokens."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from operator import itemgetter
from typing import TYPE_CHECKING

import structlog
from asgiref.sync import async_to_sync
from django.core.cache import cache
from django.db.models import F

from accounts.admission import release_slot
from accounts.providers import PROVIDERS, label_of, needs_key
from inference.attachments.abilities import Abilities, abilities_of
from inference.attachments.listed import Listing, inputs_of, list_key
from inference.models import Conversation
from inference.providers.errors import ProviderError
from inference.providers.registry import load_adapter
from telemetry.models import PriceOverride
from telemetry.pricing import PriceOverride as Override
from telemetry.pricing import UnitPrices, context_tokens, unit_prices
from tokens.checks import TokenState
from tokens.models import ProviderToken
from tokens.services import TokenUnreadable, open_token, pick_token

if TYPE_CHECKING:
    from accounts.models import User

log = structlog.get_logger(__name__)

LIMIT_SECONDS = 10.0
KEPT_SECONDS = 3600
ERROR_KEPT_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Choice:
    """One model. Prices are USD per million tokens; None where nobody knows them."""

    id: str
    context_tokens: int | None
    prices: UnitPrices | None
    abilities: Abilities = Abilities()

    @property
    def input_price(self) -> Decimal | None:
        return self.prices.input if self.prices else None

    @property
    def output_price(self) -> Decimal | None:
        return self.prices.output if self.prices else None


@dataclass(frozen=True, slots=True)
class Group:
    """A provider. With a ``disabled_reason`` it cannot be used; ``error`` says why its models could not be listed.

    ``suggested`` is the model to begin with, empty where none is listed.
    """

    provider: str
    label: str
    choices: list[Choice]
    disabled_reason: str = ""
    error: str = ""
    suggested: str = ""


@dataclass(frozen=True, slots=True)
class _Question:
    provider: str
    cache_key: str
    base_url: str | None
    api_key: str


def list_groups(user: User, *, refresh: bool = False) -> list[Group]:
    """Every provider with its models, those that can be used first.

    Asks the ones whose list is not cached, all at once, each for at most 10 s.
    """
    tokens = {provider: pick_token(user=user, provider=provider) for provider in PROVIDERS}
    reasons = {provider: disabled_reason(provider, token) for provider, token in tokens.items()}
    listings: dict[str, Listing] = {}
    questions = []
    for provider in (provider for provider, reason in reasons.items() if not reason):
        token = tokens[provider]
        key = list_key(provider, token)
        cached = None if refresh else cache.get(key)
        if cached is not None:
            listings[provider] = cached
            continue
        try:
            questions.append(_question(user, provider, token, key))
        except TokenUnreadable as error:
            reasons[provider] = str(error)
    listings |= _ask_all(questions)
    groups = [_group(provider, tokens[provider], reasons[provider], listings.get(provider)) for provider in PROVIDERS]
    return sorted(groups, key=lambda group: bool(group.disabled_reason))


def disabled_reason(provider: str, token: ProviderToken | None) -> str:
    """Why the provider cannot be asked at the moment, or an empty text."""
    if not needs_key(provider):
        return ""
    if token is None:
        return "You have no token for it yet."
    if token.expired:
        return f"The token “{token.label}” has expired."
    if token.state == TokenState.REFUSED:
        return f"The provider refuses the token “{token.label}”."
    if token.state == TokenState.NEEDS_REENTRY:
        return f"The token “{token.label}” has to be entered again."
    return ""


def first_choice(user: User) -> tuple[str, str]:
    """Provider and model for somebody who has not chosen yet, without asking a provider.

    The model is empty where the provider's list is not known yet, both are where no token can be used.
    """
    usable = ProviderToken.objects.visible_to(user).usable()
    latest_first = usable.order_by("-is_default", F("last_used_at").desc(nulls_last=True), "-created_at")
    for provider in dict.fromkeys(latest_first.values_list("provider", flat=True)):
        token = pick_token(user=user, provider=provider)
        if not disabled_reason(provider, token):
            listing: Listing | None = cache.get(list_key(provider, token))
            return provider, _suggested(provider, listing) if listing else ""
    return "", ""


def suggested(provider: str, models: Sequence[str]) -> str:
    """The newest of the provider's suggested series, else the first by name; empty where there are none."""
    series = PROVIDERS[provider].suggested_models if provider in PROVIDERS else ""
    known = [model for model in models if re.fullmatch(series, model)]
    return max(known, key=_numbers) if known else min(models, default="")


def _numbers(model: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", model)]


def _suggested(provider: str, listing: Listing) -> str:
    return suggested(provider, [model for model, _ in listing["models"]])


def known_models(user: User) -> dict[str, list[str]]:
    """By provider, what its list has named lately and what the user has called; asks no provider."""
    names = {provider: set(_cached(user, provider)) for provider in PROVIDERS}
    used = Conversation.objects.filter(owner=user).exclude(model="").order_by()
    for provider, model in used.values_list("provider", "model").distinct():
        names.setdefault(provider, set()).add(model)
    return {provider: sorted(models) for provider, models in names.items() if models}


def _cached(user: User, provider: str) -> list[str]:
    token = pick_token(user=user, provider=provider)
    listing: Listing | None = None if disabled_reason(provider, token) else cache.get(list_key(provider, token))
    return [model for model, _ in listing["models"]] if listing else []


def choice_of(user: User, provider: str, model: str) -> Choice:
    """One model by its name, without asking the provider."""
    token = pick_token(user=user, provider=provider)
    listing: Listing | None = cache.get(list_key(provider, token))
    context = dict(listing["models"]).get(model) if listing else None
    overrides = PriceOverride.objects.of(provider, model)
    return _choice(token, provider, model, context, overrides, inputs_of(listing, model))


def _question(user: User, provider: str, token: ProviderToken | None, key: str) -> _Question:
    api_key = open_token(token_id=token.pk, actor=user) if token else ""
    return _Question(provider, key, (token.base_url or None) if token else None, api_key)


def _ask_all(questions: Sequence[_Question]) -> dict[str, Listing]:
    if not questions:
        return {}
    with release_slot():
        answers = async_to_sync(_gather)(questions)
    for question, answer in zip(questions, answers, strict=True):
        cache.set(question.cache_key, answer, ERROR_KEPT_SECONDS if answer["error"] else KEPT_SECONDS)
    return {question.provider: answer for question, answer in zip(questions, answers, strict=True)}


async def _gather(questions: Sequence[_Question]) -> list[Listing]:
    return await asyncio.gather(*map(_ask, questions))


async def _ask(question: _Question) -> Listing:
    try:
        adapter = await load_adapter(question.provider)
        async with asyncio.timeout(LIMIT_SECONDS):
            models = await adapter.list_models(api_key=question.api_key, base_url=question.base_url)
    except TimeoutError:
        return _failed(f"No answer within {LIMIT_SECONDS:.0f} s.")
    except ProviderError as error:
        return _failed(error.message.replace(question.api_key or "\0", "•••"))
    except Exception:
        # One provider's list must not take the others from anybody.
        log.exception("models_not_listed", provider=question.provider)
        return _failed("AISTRALE itself failed to list these models; its log says why.")
    return Listing(
        models=[(model.id, model.context_tokens) for model in models],
        error="",
        inputs={model.id: sorted(model.inputs) for model in models if model.inputs is not None},
    )


def _failed(error: str) -> Listing:
    return Listing(models=[], error=error, inputs={})


def _group(provider: str, token: ProviderToken | None, reason: str, listing: Listing | None) -> Group:
    label = label_of(provider)
    if listing is None:
        return Group(provider, label, [], disabled_reason=reason)
    overrides = PriceOverride.objects.of(provider, *(model for model, _ in listing["models"]))
    by_name = sorted(listing["models"], key=itemgetter(0))
    choices = [
        _choice(token, provider, model, context, overrides, inputs_of(listing, model)) for model, context in by_name
    ]
    return Group(provider, label, choices, reason, listing["error"], _suggested(provider, listing))


def _choice(
    token: ProviderToken | None,
    provider: str,
    model: str,
    context: int | None,
    overrides: Iterable[Override],
    inputs: Collection[str] | None,
) -> Choice:
    base_url = token.base_url if token else ""
    return Choice(
        id=model,
        context_tokens=context or context_tokens(provider, model, base_url=base_url),
        prices=unit_prices(provider, model, overrides=overrides, base_url=base_url),
        abilities=abilities_of(provider, model, base_url=base_url, listed=inputs),
    )
