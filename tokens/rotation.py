"""Rotating the data keys while the system runs.

::

    start     a new data key, which every process finds by its id when it meets it
    promote   make it primary: waits for those who are sealing with the old one, so that none of them is missed
    reseal    batch by batch, by compare-and-set: a secret that is replaced meanwhile stays replaced
    verify    open every value
    retire    destroy the old keys, unless a value needs one or could not be opened

Each step is one or more transactions that leave every value readable, and notes itself in the ``Rotation``. After a
kill at any point ``run`` goes on where it stopped. Keys that an earlier rotation could not retire go with the next.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from time import sleep

import psycopg
from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from accounts.models import User
from audit.actions import Outcome
from audit.services import record
from tokens import keyring, locks, reseal
from tokens.actions import TokensAction
from tokens.locks import RotationBusy
from tokens.models import UNFINISHED, EncryptionKey, KeyState, Rotation, RotationStep, Trigger

BATCH_SIZE = 1000
_RETRIES = 5


@dataclass(frozen=True, slots=True)
class Progress:
    """Told after each committed batch and each step; ``done`` of ``total`` sealed values in this step."""

    step: str
    done: int
    total: int


Tell = Callable[[Progress], None]


def run(
    *,
    trigger: Trigger,
    actor: User | None,
    compromised: EncryptionKey | None = None,
    batch_size: int = BATCH_SIZE,
    tell: Tell = lambda progress: None,
) -> Rotation:
    """Finish the rotation that was interrupted, if there is one, else rotate anew. Returns the finished rotation.

    Raises RotationBusy, and UnknownKey where there is no master key; then nothing was changed.
    """
    with locks.rotation():
        rotation = unfinished() or start(trigger=trigger, actor=actor, compromised=compromised)
        _finish(rotation, batch_size, tell)
        if compromised is not None and rotation.compromised_id != compromised.pk:
            rotation = start(trigger=trigger, actor=actor, compromised=compromised)
            _finish(rotation, batch_size, tell)
    return rotation


def unfinished() -> Rotation | None:
    return Rotation.objects.select_related("started_by", "new_key").filter(finished_at=None).first()


def start(*, trigger: Trigger, actor: User | None, compromised: EncryptionKey | None = None) -> Rotation:
    """The first step alone; ``run`` does the rest. Raises RotationBusy where a rotation is not finished."""
    try:
        with transaction.atomic():
            key = keyring.create_key(KeyState.DECRYPT_ONLY)
            rotation = Rotation.objects.create(
                trigger=trigger,
                started_by=actor,
                new_key=key,
                compromised=compromised,
                rows_before=reseal.rows_by_key(),
            )
            after = {"trigger": trigger, "wrapped_by": key.master_key_id}
            record(action=TokensAction.KEY_CREATE, actor=actor, target=key, after=after)
            if compromised:
                declare_compromised(compromised, actor=actor)
    except IntegrityError as error:
        if UNFINISHED not in str(error):
            raise
        raise RotationBusy("A rotation of keys is not finished yet.") from None
    return rotation


@transaction.atomic
def declare_compromised(key: EncryptionKey, *, actor: User | None) -> None:
    after = {"state": key.state, "exposed": sum(rows.count() for rows in reseal.exposed(key))}
    record(action=TokensAction.KEY_COMPROMISE, actor=actor, target=key, after=after)


def _finish(rotation: Rotation, batch_size: int, tell: Tell) -> None:
    while rotation.step != RotationStep.FINISHED:
        _STEPS[RotationStep(rotation.step)](rotation, batch_size, tell)
        tell(Progress(rotation.step, rotation.total, rotation.total))


@transaction.atomic
def _promote(rotation: Rotation, batch_size: int, tell: Tell) -> None:
    locks.change_primary()
    now = timezone.now()
    old = EncryptionKey.objects.filter(state=KeyState.PRIMARY)
    old_ids = [str(pk) for pk in old.values_list("pk", flat=True)]
    old.update(state=KeyState.DECRYPT_ONLY, primary_until=now)
    EncryptionKey.objects.filter(pk=rotation.new_key_id).update(state=KeyState.PRIMARY, primary_since=now)
    # Counted again: what was added since the start was sealed with the old key.
    _note(rotation, RotationStep.PROMOTED, rows_before=reseal.rows_by_key())
    before, after = {"primary": old_ids}, {"primary": [str(rotation.new_key_id)]}
    record(
        action=TokensAction.KEY_PROMOTE, actor=rotation.started_by, target=rotation.new_key, before=before, after=after
    )


def _reseal(rotation: Rotation, batch_size: int, tell: Tell) -> None:
    key = keyring.current().get(rotation.new_key_id)
    for column in reseal.columns():
        with closing(reseal.resealed(column, key=key, size=batch_size)) as batches:
            for batch in batches:
                _write(rotation, column, batch)
                tell(Progress(RotationStep.RESEALED, rotation.resealed, rotation.total))
    with transaction.atomic():
        _note(rotation, RotationStep.RESEALED)
        after = {"rows": rotation.resealed}
        record(action=TokensAction.KEY_RESEAL, actor=rotation.started_by, target=rotation.new_key, after=after)


def _write(rotation: Rotation, column: reseal.Column, batch: reseal.Batch) -> None:
    """Rows that somebody holds for long, or a deadlock with somebody, are tried again after a pause."""
    for attempt in range(_RETRIES):
        try:
            with transaction.atomic():
                count = column.compare_and_set(batch)
                Rotation.objects.filter(pk=rotation.pk).update(resealed=F("resealed") + count)
        except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected):
            if attempt == _RETRIES - 1:
                raise
            sleep(0.2 * (attempt + 1))
        else:
            rotation.resealed += count
            return


def _verify(rotation: Rotation, batch_size: int, tell: Tell) -> None:
    failures = [failure.as_json() for failure in verify(batch_size=batch_size, tell=tell)]
    with transaction.atomic():
        _note(rotation, RotationStep.VERIFIED, failures=failures)
        outcome = Outcome.FAILED if failures else Outcome.SUCCESS
        actor, after = rotation.started_by, {"failures": len(failures)}
        record(action=TokensAction.KEY_VERIFY, actor=actor, target=rotation.new_key, outcome=outcome, after=after)


def verify(*, batch_size: int = BATCH_SIZE, tell: Tell = lambda progress: None) -> list[reseal.Failure]:
    """Open every sealed value; returns those that do not open. Changes nothing."""
    failures: list[reseal.Failure] = []
    done, total = 0, sum(reseal.rows_by_key().values())
    for column in reseal.columns():
        for rows in reseal.batches(column, size=batch_size):
            failures += column.failures(rows)
            done += len(rows)
            tell(Progress(RotationStep.VERIFIED, done, total))
    return failures


@transaction.atomic
def _retire(rotation: Rotation, batch_size: int, tell: Tell) -> None:
    rows = reseal.rows_by_key()
    old = EncryptionKey.objects.filter(state__in=[KeyState.DECRYPT_ONLY, KeyState.LOST])
    retired = [key for key in old if _may_go(key, rotation, rows)]
    for key in retired:
        key.state, key.wrapped, key.retired_at = KeyState.RETIRED, b"", timezone.now()
        key.save()
    keyring.forget()
    _note(rotation, RotationStep.FINISHED, rows_after=rows, finished_at=timezone.now())
    for key in retired:
        record(action=TokensAction.KEY_RETIRE, actor=rotation.started_by, target=key, after={"state": KeyState.RETIRED})


def _may_go(key: EncryptionKey, rotation: Rotation, rows: dict[str, int]) -> bool:
    """Never while a value needs it. A value that does not open holds every key back but the compromised one."""
    return str(key.pk) not in rows and (not rotation.failures or key.pk == rotation.compromised_id)


def _note(rotation: Rotation, step: RotationStep, **fields: object) -> None:
    for name, value in {"step": step, **fields}.items():
        setattr(rotation, name, value)
    rotation.save(update_fields=["step", *fields])


_STEPS: dict[RotationStep, Callable[[Rotation, int, Tell], None]] = {
    RotationStep.CREATED: _promote,
    RotationStep.PROMOTED: _reseal,
    RotationStep.RESEALED: _verify,
    RotationStep.VERIFIED: _retire,
}
