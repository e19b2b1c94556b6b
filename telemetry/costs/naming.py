"""What costs are grouped by, and what each group is called: a few queries for all groups together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from accounts.providers import label_of
from telemetry.endpoints import OWN_ENDPOINT
from telemetry.naming import (
    Named,
    Names,
    names_of_models,
    names_of_prompts,
    names_of_provider_keys,
    names_of_users,
)
from telemetry.rollups.reading import Key


@dataclass(frozen=True, slots=True)
class Grouping:
    """``names``: of the keys that calls are grouped by ``dimensions`` under."""

    label: str
    dimensions: Sequence[str]
    names: Callable[[Sequence[Key]], Names]


def _endpoints(keys: Sequence[Key]) -> Names:
    return {
        (provider, base_url): Named(
            label_of(provider), base_url, {"provider": provider, "endpoint": base_url or OWN_ENDPOINT}
        )
        for provider, base_url in keys
    }


def _prompts(keys: Sequence[Key]) -> Names:
    names = names_of_prompts(key for (key,) in keys)
    return {
        (key,): Named(names.get(key, "Deleted prompt"), "", {"prompt": names.get(key, "")})
        if key
        else Named("No prompt", "", {})
        for (key,) in keys
    }


GROUPINGS: Mapping[str, Grouping] = {
    "model": Grouping("Model", ("provider", "request_model"), names_of_models),
    "endpoint": Grouping("Endpoint", ("provider", "base_url"), _endpoints),
    "user": Grouping("User", ("user_id",), names_of_users),
    "team": Grouping("Team", ("user_id",), names_of_users),
    "prompt": Grouping("Prompt", ("prompt_id",), _prompts),
    "key": Grouping("Provider key", ("token_id",), names_of_provider_keys),
}
