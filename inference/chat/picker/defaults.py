"""Which model is begun with, and what keeps an endpoint from being used; asks no provider."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from django.core.cache import cache
from django.db.models import F

from accounts.providers import PROVIDERS, needs_key
from inference.attachments.listed import Listing, list_key
from inference.models import Conversation
from inference.providers.model_names import can_chat
from tokens.checks import TokenState
from tokens.models import ProviderToken
from tokens.services import pick_token

if TYPE_CHECKING:
    from accounts.models import User


def disabled_reason(provider: str, token: ProviderToken | None) -> str:
    """Why the provider cannot be asked at the moment, or an empty text."""
    if not needs_key(provider):
        return ""
    if token is None:
        return "No key yet."
    if token.expired:
        return f"The key “{token.label}” has expired."
    if token.state == TokenState.REFUSED:
        return f"The provider refused the key “{token.label}”."
    if token.state == TokenState.NEEDS_REENTRY:
        return f"The key “{token.label}” has to be entered again."
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
    names = [model for model, _ in listing["models"]]
    return suggested(provider, [model for model in names if can_chat(model)] or names)


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
