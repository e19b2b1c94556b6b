"""The models of each endpoint: a provider key with its base URL, or a provider that needs none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING

from django.core.cache import cache

from accounts.providers import PROVIDERS, is_endpoint, label_of, needs_key
from inference.attachments.listed import Listing, list_key
from inference.chat.picker.asking import ask_all, question_for
from inference.chat.picker.choices import Choice, choices_at
from inference.chat.picker.defaults import disabled_reason, suggested
from telemetry.models import PriceOverride
from tokens.models import ProviderToken
from tokens.services import TokenUnreadable, by_preference

if TYPE_CHECKING:
    from accounts.models import User


@dataclass(frozen=True, slots=True)
class Endpoint:
    """``name`` tells it from the user's others; ``note`` is its host, or what else tells it from its like."""

    provider: str
    token: ProviderToken | None
    name: str
    note: str = ""

    @property
    def key(self) -> str:
        """Of the endpoint, in ids and URLs."""
        return str(self.token.pk) if self.token else self.provider

    @property
    def token_id(self) -> str:
        return str(self.token.pk) if self.token else ""

    @property
    def initial(self) -> str:
        return self.name[:1].upper()

    @property
    def is_server(self) -> bool:
        return is_endpoint(self.provider)


@dataclass(frozen=True, slots=True)
class Group:
    """With a ``disabled_reason`` the endpoint cannot be used; ``error`` says why its models could not be listed.

    ``suggested`` is the model to begin with, empty where none is listed. ``is_pending``: it has not been asked yet.
    """

    endpoint: Endpoint
    choices: list[Choice]
    disabled_reason: str = ""
    error: str = ""
    suggested: str = ""
    is_pending: bool = False

    @property
    def provider(self) -> str:
        return self.endpoint.provider

    @property
    def others(self) -> int:
        """How many of its models are not for chatting."""
        return sum(not choice.chats for choice in self.choices)


def endpoints_of(user: User) -> list[Endpoint]:
    """In the order of the providers; of each, the user's own first, its default before the others, then the oldest."""
    places = {provider: place for place, provider in enumerate(PROVIDERS)}
    tokens = sorted(
        by_preference(user).select_related("owner"),
        key=lambda token: (
            places.get(token.provider, len(places)),
            token.owner_id != user.pk,
            not token.is_default,
            token.created_at,
        ),
    )
    alike = Counter(token.provider for token in tokens if not token.base_url)
    keyed = [_endpoint(token, user, is_only=alike[token.provider] == 1) for token in tokens]
    free = [provider for provider in PROVIDERS if not needs_key(provider)]
    return [*keyed, *(Endpoint(provider, None, label_of(provider), "offline, free") for provider in free)]


def _endpoint(token: ProviderToken, user: User, *, is_only: bool) -> Endpoint:
    name = token.label if token.base_url else label_of(token.provider)
    notes = [token.host if token.base_url else "" if is_only else token.label]
    if token.owner_id != user.pk:
        notes.append(f"shared by {token.owner.get_full_name()}")
    return Endpoint(token.provider, token, name, " · ".join(filter(None, notes)))


def list_groups(user: User, *, refresh: bool = False) -> list[Group]:
    """Every endpoint with its models, those that can be used first. Asks the ones whose list is not kept."""
    return groups_of(user, endpoints_of(user), refresh=refresh)


def known_groups(user: User) -> list[Group]:
    """The same without asking anybody: endpoints whose list is not kept are pending."""
    endpoints = endpoints_of(user)
    kept = _kept(endpoints)
    return _sorted([_group(one, disabled_reason(one.provider, one.token), kept.get(one.key)) for one in endpoints])


def forget_lists(user: User) -> None:
    """The next look at the user's endpoints asks them anew."""
    cache.delete_many([list_key(one.provider, one.token) for one in endpoints_of(user)])


def groups_of(user: User, endpoints: Sequence[Endpoint], *, refresh: bool = False) -> list[Group]:
    reasons = {one.key: disabled_reason(one.provider, one.token) for one in endpoints}
    listings = {} if refresh else _kept(endpoints)
    questions = {}
    for one in endpoints:
        if reasons[one.key] or one.key in listings:
            continue
        try:
            questions[one.key] = question_for(user, one.provider, one.token)
        except TokenUnreadable as error:
            reasons[one.key] = str(error)
    answers = ask_all(list(questions.values()))
    listings |= {key: answers[question.cache_key] for key, question in questions.items()}
    return _sorted([_group(one, reasons[one.key], listings.get(one.key)) for one in endpoints])


def _sorted(groups: list[Group]) -> list[Group]:
    return sorted(groups, key=lambda group: bool(group.disabled_reason))


def _kept(endpoints: Sequence[Endpoint]) -> dict[str, Listing]:
    keys = {list_key(one.provider, one.token): one.key for one in endpoints}
    return {keys[name]: listing for name, listing in cache.get_many(keys).items()}


def _group(endpoint: Endpoint, reason: str, listing: Listing | None) -> Group:
    if listing is None or reason:
        return Group(endpoint, [], disabled_reason=reason, is_pending=not reason)
    provider = endpoint.provider
    names = [model for model, _ in sorted(listing["models"], key=itemgetter(0))]
    overrides = PriceOverride.objects.of(provider, *names)
    choices = choices_at(endpoint.token, provider, names, listing, overrides)
    best = suggested(provider, [choice.id for choice in choices if choice.chats])
    return Group(endpoint, choices, error=listing["error"], suggested=best)
