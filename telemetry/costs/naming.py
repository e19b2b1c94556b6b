"""What costs are grouped by, and what each group is called: a few queries for all groups together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from accounts.models import User
from accounts.providers import label_of
from telemetry.dashboard.tables import Named
from telemetry.models import Generation
from telemetry.rollups.reading import Key

Names = Mapping[Key, Named]


@dataclass(frozen=True, slots=True)
class Grouping:
    """``names``: of the keys that calls are grouped by ``dimensions`` under."""

    label: str
    dimensions: Sequence[str]
    names: Callable[[Sequence[Key]], Names]


def _models(keys: Sequence[Key]) -> Names:
    return {
        (provider, model): Named(model, label_of(provider), {"provider": provider, "model": model}, is_code=True)
        for provider, model in keys
    }


def _endpoints(keys: Sequence[Key]) -> Names:
    """Only where a provider has one endpoint, the list of calls can be narrowed down to it."""
    endpoints = Counter(provider for provider, _ in keys)
    return {
        (provider, base_url): Named(
            label_of(provider), base_url, {"provider": provider} if endpoints[provider] == 1 else {}
        )
        for provider, base_url in keys
    }


def _users(keys: Sequence[Key]) -> Names:
    users = User.objects.in_bulk([user_id for (user_id,) in keys if user_id])
    return {(key,): _user(users.get(key)) for (key,) in keys}


def _user(user: User | None) -> Named:
    return Named(user.email, user.name, {"user": user.audit_id}) if user else Named("Deleted users", "", {})


def _prompts(keys: Sequence[Key]) -> Names:
    names = _newest_names("prompt_id", "prompt_name", [key for (key,) in keys], "-prompt_version")
    return {
        (key,): Named(names.get(key, "Deleted prompt"), "", {"prompt": names.get(key, "")})
        if key
        else Named("No prompt", "", {})
        for (key,) in keys
    }


def _provider_keys(keys: Sequence[Key]) -> Names:
    labels = _newest_names("token_id", "token_label", [key for (key,) in keys])
    return {
        (key,): Named(labels.get(key, "Deleted key"), "", {"key": key}) if key else Named("No key", "", {})
        for (key,) in keys
    }


def _newest_names(column: str, name: str, keys: Iterable[UUID | None], *first: str) -> dict[Any, str]:
    """As the newest call of each has it; with ``first``, the order of the columns in which an index finds it."""
    found: dict[Any, str] = {}
    for key in filter(None, keys):
        calls = Generation.objects.filter(**{column: key}).exclude(**{name: ""})
        if newest := calls.order_by(*first, "-started_at").values_list(name, flat=True).first():
            found[key] = newest
    return found


GROUPINGS: Mapping[str, Grouping] = {
    "model": Grouping("Model", ("provider", "request_model"), _models),
    "endpoint": Grouping("Endpoint", ("provider", "base_url"), _endpoints),
    "user": Grouping("User", ("user_id",), _users),
    "team": Grouping("Team", ("user_id",), _users),
    "prompt": Grouping("Prompt", ("prompt_id",), _prompts),
    "key": Grouping("Provider key", ("token_id",), _provider_keys),
}
