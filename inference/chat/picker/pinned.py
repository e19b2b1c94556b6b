"""The models that a user comes back to: favourites, and those that conversations were last asked with."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from django.core.cache import cache
from django.db import transaction

from audit.services import record
from inference.actions import InferenceAction
from inference.attachments.listed import Listing, list_key
from inference.chat.picker.choices import Choice, choices_at
from inference.chat.picker.groups import Endpoint
from inference.models import Conversation, FavouriteModel
from telemetry.models import PriceOverride
from tokens.services import pick_token

if TYPE_CHECKING:
    from accounts.models import User

MOST_RECENT = 4
LOOKED_AT = 40
MOST_FAVOURITES = 100

# Provider, provider key or None, model.
Place = tuple[str, UUID | None, str]


@dataclass(frozen=True, slots=True)
class Pinned:
    endpoint: Endpoint
    choice: Choice


def favourite_places(user: User) -> list[Place]:
    return list(FavouriteModel.objects.filter(user=user).values_list("provider", "token_id", "model"))


def recent_places(user: User) -> list[Place]:
    asked = Conversation.objects.owned_by(user).exclude(model="").order_by("-updated_at")
    newest = asked.values_list("provider", "token_id", "model")[:LOOKED_AT]
    return list(dict.fromkeys(newest))


def pinned_at(places: Iterable[Place], endpoints: Sequence[Endpoint]) -> list[Pinned]:
    """Those whose endpoint can still be used. Without a key of its own, a place is at the default of its provider."""
    by_key = {(one.provider, one.token.pk if one.token else None): one for one in endpoints}
    for one in endpoints:
        by_key.setdefault((one.provider, None), one)
    found = {
        (endpoint.key, model): endpoint
        for provider, token_id, model in places
        if (endpoint := by_key.get((provider, token_id)))
    }
    choices: dict[tuple[str, str], Choice] = {}
    for endpoint in dict.fromkeys(found.values()):
        models = [model for (key, model), _ in found.items() if key == endpoint.key]
        choices |= {(endpoint.key, choice.id): choice for choice in _choices(endpoint, models)}
    return [Pinned(endpoint, choices[place]) for place, endpoint in found.items()]


def _choices(endpoint: Endpoint, models: Sequence[str]) -> list[Choice]:
    listing: Listing | None = cache.get(list_key(endpoint.provider, endpoint.token))
    overrides = PriceOverride.objects.of(endpoint.provider, *models)
    return choices_at(endpoint.token, endpoint.provider, models, listing, overrides)


@transaction.atomic
def toggle_favourite(*, user: User, provider: str, model: str, token_id: UUID | None) -> bool:
    """Whether it is one now. Only at an endpoint that the user may use, and no more than a list can show."""
    place = {"provider": provider, "model": model, "token_id": token_id}
    own = FavouriteModel.objects.filter(user=user)
    removed, _ = own.filter(**place).delete()
    is_new = not removed and own.count() < MOST_FAVOURITES and _may_use(user, provider, token_id)
    if is_new:
        FavouriteModel.objects.create(user=user, **place)
    if removed or is_new:
        after = {"provider": provider, "model": model, "is_favourite": is_new}
        record(action=InferenceAction.MODEL_FAVOURITE, actor=user, target=user, after=after)
    return is_new


def _may_use(user: User, provider: str, token_id: UUID | None) -> bool:
    return token_id is None or pick_token(user=user, provider=provider, token_id=token_id) is not None
