"""What keys there are, how old they are, and what to worry about. No key material."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Max
from django.utils import timezone

from tokens import keyring, reseal
from tokens.models import EncryptionKey, KeyState, ProviderToken


@dataclass(frozen=True, slots=True)
class DataKeyInfo:
    """``rows``: the values it seals now. ``last_used_at``: the last call to a provider with one of them."""

    id: str
    state: KeyState
    master_key: str
    created_at: datetime
    primary_since: datetime | None
    retired_at: datetime | None
    rows: int
    last_used_at: datetime | None
    problem: str


@dataclass(frozen=True, slots=True)
class MasterKeyInfo:
    """``in_use_since``: when it first wrapped one of the ``data_keys`` (a number) that it wraps now."""

    id: str
    state: str
    data_keys: int
    in_use_since: datetime | None


def data_keys() -> list[DataKeyInfo]:
    """The primary first, then the newest. Raises MasterKeysInvalid."""
    rows, broken, used = reseal.rows_by_key(), keyring.broken_keys(), _last_used()
    infos = [
        DataKeyInfo(
            id=str(key.pk),
            state=KeyState(key.state),
            master_key=key.master_key_id,
            created_at=key.created_at,
            primary_since=key.primary_since,
            retired_at=key.retired_at,
            rows=rows.get(str(key.pk), 0),
            last_used_at=used.get(str(key.pk)),
            problem=broken.get(key.pk, ""),
        )
        for key in EncryptionKey.objects.order_by("-created_at")
    ]
    return sorted(infos, key=lambda info: list(KeyState).index(info.state))


def master_keys() -> list[MasterKeyInfo]:
    """Those at hand, the primary first, then those that are named by a data key and missing."""
    rows = EncryptionKey.objects.exclude(state__in=keyring.GONE)
    wraps = [(row.master_key_id, row.wrapped_at) for row in rows.only("master_key_id", "wrapped_at")]
    return [_master(name, state, [at for master, at in wraps if master == name]) for name, state in _named_masters()]


def warnings() -> list[str]:
    """In words for the operator; empty when all is well. Raises MasterKeysInvalid."""
    found = [f"The data key {key} cannot be used: {why}" for key, why in keyring.broken_keys().items()]
    primary = EncryptionKey.objects.filter(state=KeyState.PRIMARY).first()
    limit = timedelta(days=settings.KEY_MAX_AGE_DAYS)
    if primary and primary.primary_since and limit and (age := timezone.now() - primary.primary_since) > limit:
        found.append(
            f"The primary data key is {age.days:,} days old, more than {limit.days:,}: run `manage.py rotate_keys`."
        )
    return found


def _named_masters() -> Iterator[tuple[str, str]]:
    for position, name in enumerate(keyring.current().master_ids):
        yield name, "secondary" if position else "primary"
    for name in keyring.missing_master_keys():
        yield name, "missing"


def _master(name: str, state: str, wrapped: list[datetime]) -> MasterKeyInfo:
    return MasterKeyInfo(name, state, len(wrapped), min(wrapped, default=None))


def _last_used() -> dict[str, datetime]:
    column = next(column for column in reseal.columns() if column.model is ProviderToken)
    return column.by_key(Max("last_used_at"))
