from __future__ import annotations

import os
from base64 import b64encode
from collections.abc import Callable
from threading import Thread, Timer
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection, transaction
from pytest_django import Settings

from accounts.models import User
from audit.models import AuditEvent
from tokens import keyring, locks, reseal, rotation, services
from tokens.envelope import UnknownKey, key_id_of
from tokens.models import EncryptionKey, KeyState, ProviderToken, Rotation, RotationStep, Trigger
from tokens.rotation import Progress
from tokens.tests.conftest import SECRET, elsewhere

Make = Callable[..., ProviderToken]

pytestmark = pytest.mark.django_db(transaction=True)


def rotate(**options: Any) -> Rotation:
    return rotation.run(trigger=Trigger.COMMAND, actor=None, **options)


def opened(token: ProviderToken) -> str:
    token.refresh_from_db()
    return keyring.open_field(token, services.SECRET_FIELD)


def key_of(token: ProviderToken) -> EncryptionKey:
    token.refresh_from_db()
    return EncryptionKey.objects.get(pk=key_id_of(bytes(token.secret)))


def damage(token: ProviderToken) -> None:
    ProviderToken.objects.filter(pk=token.pk).update(secret=bytes(token.secret)[:-1] + b"?")


def test_it_seals_everything_with_a_new_key_and_retires_the_old(token_of: Make, alice: User) -> None:
    tokens = [token_of(alice, secret=f"{SECRET}-{number}") for number in range(5)]
    old = key_of(tokens[0])
    run = rotate(batch_size=2)
    assert [opened(token) for token in tokens] == [f"{SECRET}-{number}" for number in range(5)]
    assert {key_of(token).pk for token in tokens} == {run.new_key_id} != {old.pk}
    old.refresh_from_db()
    assert (old.state, bytes(old.wrapped), run.failures) == (KeyState.RETIRED, b"", [])


def test_it_reports_counts_before_and_after(token_of: Make, alice: User) -> None:
    old = key_of(token_of(alice))
    token_of(alice)
    run = rotate()
    assert (run.rows_before, run.rows_after, run.resealed) == ({str(old.pk): 2}, {str(run.new_key_id): 2}, 2)
    assert run.step == RotationStep.FINISHED and run.finished_at is not None


def test_it_leaves_exactly_one_primary_key(token: ProviderToken) -> None:
    rotate()
    rotate()
    assert sorted(EncryptionKey.objects.values_list("state", flat=True)) == ["primary", "retired", "retired"]


def test_it_records_every_step(token: ProviderToken) -> None:
    before = AuditEvent.objects.count()
    rotate()
    verbs = AuditEvent.objects.order_by("sequence").values_list("action", flat=True)[before:]
    assert list(verbs) == [f"tokens:key:{verb}" for verb in ("create", "promote", "reseal", "verify", "retire")]


def test_it_seals_new_tokens_with_the_new_key(token_of: Make, alice: User, token: ProviderToken) -> None:
    run = rotate()
    assert key_of(token_of(alice)).pk == run.new_key_id


def test_it_works_on_an_empty_database(db: None) -> None:
    run = rotate()
    assert (run.total, run.resealed) == (0, 0)
    assert EncryptionKey.objects.get().state == KeyState.PRIMARY


def test_it_keeps_a_secret_that_was_replaced_after_it_was_read(token_of: Make, alice: User) -> None:
    token = token_of(alice)

    def replace(progress: Progress) -> None:
        if progress.step == RotationStep.PROMOTED:
            services.replace_secret(token=token, actor=alice, secret="sk-edited-while-rotating")

    run = rotate(tell=replace)
    assert opened(token) == "sk-edited-while-rotating"
    assert run.failures == []


def test_it_writes_only_where_nothing_changed_since_it_was_read(token_of: Make, alice: User) -> None:
    token, other = token_of(alice), token_of(alice)
    column = next(column for column in reseal.columns() if column.model is ProviderToken)
    key = keyring.current().get(keyring.create_key(KeyState.DECRYPT_ONLY).pk)
    batch = column.sealed_anew(column.rows(after=None, limit=10), key=key)
    services.replace_secret(token=token, actor=alice, secret="sk-edited-while-rotating")
    with transaction.atomic():
        assert column.compare_and_set(batch) == 1
    assert opened(token) == "sk-edited-while-rotating"
    assert key_of(other).pk == key.id


def test_it_waits_for_those_who_seal_with_the_old_key(token_of: Make, alice: User) -> None:
    """A token whose transaction began before the promotion is re-sealed all the same."""
    token_of(alice)
    with transaction.atomic():
        late = token_of(alice, label="Late")
        thread = Thread(target=_rotate_elsewhere)
        thread.start()
        thread.join(0.7)
        assert thread.is_alive()
    thread.join(10)
    run = Rotation.objects.get()
    assert key_of(late).pk == run.new_key_id and run.total == 2


def _rotate_elsewhere() -> None:
    rotate()
    connection.close()


def test_it_tries_again_where_somebody_holds_a_row(token_of: Make, alice: User) -> None:
    token = token_of(alice)
    with connection.cursor() as cursor, elsewhere() as holder:
        cursor.execute("SET lock_timeout = 100")
        holder.execute("BEGIN")
        holder.execute("SELECT 1 FROM tokens_providertoken FOR UPDATE")
        release = Timer(0.4, holder.rollback)
        release.start()
        run = rotate()
        release.join()
        cursor.execute("RESET lock_timeout")
    assert key_of(token).pk == run.new_key_id


def test_it_refuses_to_run_twice_at_once(token: ProviderToken) -> None:
    with elsewhere() as other:
        other.execute("SELECT pg_advisory_lock(%s, %s)", [0x746F6B, 2])
        with pytest.raises(locks.RotationBusy):
            rotate()
    assert not Rotation.objects.exists() and EncryptionKey.objects.count() == 1


def test_it_lets_go_of_its_lock(token: ProviderToken) -> None:
    rotate()
    with elsewhere() as other:
        assert other.execute("SELECT pg_try_advisory_lock(%s, %s)", [0x746F6B, 2]).fetchone() == (True,)


def test_it_starts_nothing_while_a_rotation_is_unfinished(token: ProviderToken) -> None:
    rotation.start(trigger=Trigger.PAGE, actor=None)
    with pytest.raises(locks.RotationBusy):
        rotation.start(trigger=Trigger.PAGE, actor=None)
    assert EncryptionKey.objects.count() == 2


def test_it_goes_on_with_an_unfinished_rotation(token: ProviderToken) -> None:
    begun = rotation.start(trigger=Trigger.PAGE, actor=None)
    assert rotate().pk == begun.pk
    assert key_of(token).pk == begun.new_key_id


def test_it_needs_a_master_key(token: ProviderToken, settings: Settings) -> None:
    settings.MASTER_KEYS = ""
    with pytest.raises(UnknownKey):
        rotate()
    assert not Rotation.objects.exists() and EncryptionKey.objects.count() == 1


def test_it_names_a_damaged_row_and_does_all_others(token_of: Make, alice: User) -> None:
    broken, healthy = token_of(alice), token_of(alice)
    old = key_of(broken)
    damage(broken)
    run = rotate()
    (failure,) = run.failures
    assert (failure["table"], failure["field"], failure["id"]) == ("tokens_providertoken", "secret", str(broken.pk))
    assert opened(healthy) == SECRET and key_of(healthy).pk == run.new_key_id
    old.refresh_from_db()
    assert old.state == KeyState.DECRYPT_ONLY


def test_it_names_rows_whose_key_is_missing(token_of: Make, alice: User, settings: Settings) -> None:
    lost = token_of(alice)
    settings.MASTER_KEYS = f"m-new:{b64encode(os.urandom(32)).decode()}"
    run = rotate()
    (failure,) = run.failures
    assert failure["id"] == str(lost.pk) and "'m-test'" in failure["reason"]
    assert key_of(lost).state == KeyState.DECRYPT_ONLY


def test_it_names_rows_of_an_unknown_format_or_key(token_of: Make, alice: User) -> None:
    first, second = token_of(alice), token_of(alice)
    ProviderToken.objects.filter(pk=first.pk).update(secret=b"\x09" + bytes(first.secret)[1:])
    ProviderToken.objects.filter(pk=second.pk).update(secret=b"\x01" + uuid4().bytes + bytes(second.secret)[17:])
    assert {failure["id"] for failure in rotate().failures} == {str(first.pk), str(second.pk)}


def test_it_retires_what_a_damaged_row_held_back_once_that_is_gone(token_of: Make, alice: User) -> None:
    broken = token_of(alice)
    damage(broken)
    rotate()
    services.replace_secret(token=broken, actor=alice, secret=SECRET)
    assert rotate().failures == []
    assert EncryptionKey.objects.exclude(state=KeyState.RETIRED).count() == 1


def test_it_retires_a_compromised_key_although_another_row_is_damaged(token_of: Make, alice: User) -> None:
    damage(token_of(alice))
    rotate()
    token_of(alice)
    leaked = EncryptionKey.objects.get(state=KeyState.PRIMARY)
    rotate(compromised=leaked)
    leaked.refresh_from_db()
    assert leaked.state == KeyState.RETIRED


def exposed(key: EncryptionKey) -> set[object]:
    return {row for rows in reseal.exposed(key) for row in rows}


def test_it_lists_the_tokens_that_a_compromised_key_ever_sealed(token_of: Make, alice: User) -> None:
    first = token_of(alice)
    rotate()
    leaked = EncryptionKey.objects.get(state=KeyState.PRIMARY)
    second = token_of(alice)
    rotate(compromised=leaked)
    token_of(alice)
    leaked.refresh_from_db()
    assert exposed(leaked) == {first, second}


def test_it_no_longer_lists_a_token_whose_secret_was_replaced(token: ProviderToken, alice: User) -> None:
    leaked = key_of(token)
    rotate(compromised=leaked)
    services.replace_secret(token=token, actor=alice, secret="sk-new-at-the-provider")
    leaked.refresh_from_db()
    assert exposed(leaked) == set()


def test_it_finishes_an_interrupted_rotation_before_one_for_a_compromised_key(token: ProviderToken) -> None:
    leaked = key_of(token)
    begun = rotation.start(trigger=Trigger.SCHEDULE, actor=None)
    run = rotate(compromised=leaked)
    assert run.pk != begun.pk and Rotation.objects.filter(finished_at=None).count() == 0


def test_it_changes_nothing_while_verifying(token_of: Make, alice: User) -> None:
    damage(token_of(alice))
    token_of(alice)
    before = list(ProviderToken.objects.order_by("pk").values_list("secret", flat=True))
    assert len(rotation.verify(batch_size=1)) == 1
    assert [bytes(value) for value in ProviderToken.objects.order_by("pk").values_list("secret", flat=True)] == [
        bytes(value) for value in before
    ]
    assert not Rotation.objects.exists()


def test_it_tells_its_progress(token_of: Make, alice: User) -> None:
    for _ in range(3):
        token_of(alice)
    told: list[Progress] = []
    rotate(batch_size=2, tell=told.append)
    resealed = [progress.done for progress in told if progress.step == RotationStep.RESEALED]
    assert resealed == [2, 3, 3] and told[-1] == Progress(RotationStep.FINISHED, 3, 3)
