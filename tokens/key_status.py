"""What keys there are, what to worry about, and what a rotation has done. No secrets, no key material."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone

from tokens import keyring, reseal
from tokens.models import EncryptionKey, KeyState, Rotation


@dataclass(frozen=True, slots=True)
class DataKeyInfo:
    """``rows``: the values it seals now. ``last_used_at``: the last use of one of them."""

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
    rows, broken, used = reseal.rows_by_key(), keyring.broken_keys(), reseal.last_used_by_key()
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


def rotation_report(run: Rotation) -> dict[str, Any]:
    """As plain data."""
    return {
        "id": str(run.pk),
        "trigger": run.trigger,
        "started_by": str(run.started_by) if run.started_by else None,
        "started_at": run.started_at.isoformat(),
        "finished_at": run.finished_at.isoformat() if run.finished_at else None,
        "seconds": round(run.duration.total_seconds(), 3),
        "step": run.step,
        "new_key": str(run.new_key_id),
        "compromised_key": str(run.compromised_id) if run.compromised_id else None,
        "rows_before": run.rows_before,
        "rows_after": run.rows_after,
        "resealed": run.resealed,
        "failures": run.failures,
        "secrets_to_replace": exposed_secrets(run.compromised),
    }


def exposed_secrets(key: EncryptionKey | None) -> list[dict[str, str]]:
    """After a compromise: whoever held the key and a copy of the database knows these."""
    return [
        {
            "kind": str(row._meta.verbose_name),
            "id": str(row.pk),
            "name": str(row),
            "owner": str(row.owner),
            "hint": getattr(row, "hint", ""),
        }
        for rows in (reseal.exposed(key) if key else [])
        for row in rows
    ]


def humanize_rotation(run: Rotation) -> list[str]:
    """The report, line by line, the summary last."""
    lines = [f"{key}: {before:,} rows before, {after:,} after" for key, before, after in rows_by_key(run)]
    lines += [humanize_failure(item) for item in run.failures]
    lines += [humanize_exposed(item) for item in exposed_secrets(run.compromised)]
    summary = f"{run.resealed:,} rows re-encrypted with {run.new_key_id} in {run.duration.total_seconds():.1f} s"
    return [*lines, f"{summary}, {len(run.failures):,} could not be decrypted."]


def humanize_failure(item: dict[str, str]) -> str:
    return f"NOT DECRYPTED {item['table']}.{item['field']} id {item['id']}: {item['reason']}"


def humanize_exposed(item: dict[str, str]) -> str:
    hint = f" ({item['hint']})" if item["hint"] else ""
    return f"REPLACE {item['kind']}: {item['name']} of {item['owner']}{hint}, id {item['id']}"


def rows_by_key(run: Rotation) -> list[tuple[str, int, int]]:
    """Each data key with its rows before and after, as far as it is known."""
    known = sorted({*run.rows_before, *run.rows_after})
    return [(key, run.rows_before.get(key, 0), run.rows_after.get(key, 0)) for key in known]
