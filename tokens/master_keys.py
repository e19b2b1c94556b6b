"""Rotating the master keys: the data keys are wrapped anew, sealed values are not touched."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from audit.services import record
from tokens import envelope, keyring, locks
from tokens.actions import TokensAction
from tokens.envelope import EnvelopeError
from tokens.models import EncryptionKey, KeyState


@dataclass(frozen=True, slots=True)
class Rewrapping:
    """``failures``: data key id and why it could not be unwrapped. ``removable``: master keys that nothing needs."""

    primary: str
    rewrapped: list[str]
    failures: dict[str, str]
    removable: list[str]


def rewrap(*, actor: User | None, dry_run: bool = False) -> Rewrapping:
    """Wrap every data key with the primary master key, all in one transaction.

    Raises RotationBusy, MasterKeysInvalid, and UnknownKey where there is no master key.
    """
    primary = keyring.current().primary_master
    with locks.rotation(), transaction.atomic():
        rows = EncryptionKey.objects.select_for_update().exclude(state__in=keyring.GONE)
        old = [row for row in rows if row.master_key_id != primary.id]
        failures: dict[str, str] = {}
        rewrapped = []
        for row in old:
            try:
                row.wrapped = envelope.wrap(keyring.current().unwrap(row), master=primary)
            except EnvelopeError as error:
                failures[str(row.pk)] = str(error)
                continue
            row.master_key_id, row.wrapped_at = primary.id, timezone.now()
            rewrapped.append(row)
        if rewrapped and not dry_run:
            _save(rewrapped, primary.id, actor)
        needed = {row.master_key_id for row in rows} | {primary.id}
    removable = [master for master in keyring.current().master_ids if master not in needed]
    return Rewrapping(primary.id, [str(row.pk) for row in rewrapped], failures, removable)


@transaction.atomic
def declare_lost(master_key: str, *, actor: User | None) -> list[str]:
    """Give up the data keys that this master key should unwrap and cannot; returns their ids.

    What they sealed needs to be entered again. The system starts without them, and makes a new primary key if need be.
    """
    locks.change_primary()
    broken = keyring.broken_keys()
    lost = list(EncryptionKey.objects.filter(master_key_id=master_key, pk__in=broken).values_list("pk", flat=True))
    EncryptionKey.objects.filter(pk__in=lost).update(state=KeyState.LOST)
    if lost:
        ids = [str(pk) for pk in lost]
        record(action=TokensAction.KEY_LOSE, actor=actor, target=None, after={"wrapped_by": master_key, "keys": ids})
    return [str(pk) for pk in lost]


def _save(rows: list[EncryptionKey], primary: str, actor: User | None) -> None:
    EncryptionKey.objects.bulk_update(rows, ["wrapped", "master_key_id", "wrapped_at"])
    after = {"wrapped_by": primary, "keys": [str(row.pk) for row in rows]}
    record(action=TokensAction.MASTER_KEY_ROTATE, actor=actor, target=None, after=after)
