"""What the values are called that figures are grouped by: one query for all of a grouping, whatever their number."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection

from accounts.models import User
from accounts.providers import label_of
from telemetry.rollups.reading import Key


@dataclass(frozen=True, slots=True)
class Named:
    """What a row is about. ``filters``: those of the list of its calls."""

    name: str
    note: str
    filters: Mapping[str, object]
    is_code: bool = False


Names = Mapping[Key, Named]
# The newest call that has a name, found by index for each value.
_NEWEST = """
SELECT value.key, (
  SELECT {name} FROM telemetry_generation AS call
  WHERE call.{column} = value.key AND call.{name} <> '' ORDER BY {first}call.started_at DESC LIMIT 1
) FROM unnest(%s::uuid[]) AS value (key)
"""


def names_of_models(keys: Sequence[Key]) -> Names:
    return {
        (provider, model): Named(model, label_of(provider), {"provider": provider, "model": model}, is_code=True)
        for provider, model in keys
    }


def names_of_users(keys: Sequence[Key]) -> Names:
    users = User.objects.only("email", "name", "audit_id").in_bulk([user_id for (user_id,) in keys if user_id])
    return {(key,): _user(users.get(key)) for (key,) in keys}


def _user(user: User | None) -> Named:
    return Named(user.email, user.name, {"user": user.audit_id}) if user else Named("Deleted users", "", {})


def names_of_provider_keys(keys: Sequence[Key]) -> Names:
    labels = _newest_names("token_id", "token_label", [key for (key,) in keys])
    return {
        (key,): Named(labels.get(key, "Deleted key"), "", {"key": key}) if key else Named("No key", "", {})
        for (key,) in keys
    }


def names_of_prompts(keys: Iterable[UUID | None]) -> dict[Any, str]:
    # By their version first: in that order an index has them.
    return _newest_names("prompt_id", "prompt_name", keys, "call.prompt_version DESC, ")


def _newest_names(column: str, name: str, keys: Iterable[UUID | None], first: str = "") -> dict[Any, str]:
    wanted = list({key for key in keys if key})
    if not wanted:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_NEWEST.format(column=column, name=name, first=first), [wanted])
        return {key: found for key, found in cursor.fetchall() if found}
