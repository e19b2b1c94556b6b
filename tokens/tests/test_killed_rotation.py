from __future__ import annotations

import signal
import time
from collections.abc import Callable
from random import Random

import pytest
from django.db import connection
from pytest_django import Settings

from accounts.models import User
from audit.models import AuditEvent
from conftest import PASSWORD
from tokens import envelope, keyring, reseal, rotation, services
from tokens.locks import RotationBusy
from tokens.models import EncryptionKey, KeyState, ProviderToken, Rotation, Trigger
from tokens.tests import killed
from tokens.tests.conftest import SECRET

Make = Callable[..., ProviderToken]

pytestmark = pytest.mark.django_db(transaction=True)


def wait_for_lock() -> None:
    """The server takes a moment to see that a killed client has gone."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s, %s)", [0x746F6B, 2])
        cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [0x746F6B, 2])


def secrets() -> list[str]:
    keyring.forget()
    return [keyring.open_field(token, services.SECRET_FIELD) for token in ProviderToken.objects.order_by("label")]


@pytest.mark.fault
@pytest.mark.slow
def test_it_survives_a_kill_at_every_statement_and_is_finished_by_a_second_run(
    token_of: Make, alice: User, chance: Random, check_invariants: Callable[..., None]
) -> None:
    """So also at every row, since batches have one or two, and between all steps."""
    expected = [f"{SECRET}-{number}" for number in range(chance.randint(2, 4))]
    batch_size = chance.randint(1, 2)
    for number, secret in enumerate(expected):
        token_of(alice, label=str(number), secret=secret)
    deaths = 0
    while True:
        process = killed.start(connection.settings_dict["NAME"], deaths + 1, batch_size)
        process.join(30)
        if process.exitcode == 0:
            break
        assert process.exitcode == -signal.SIGKILL
        deaths += 1
        assert secrets() == expected, f"after a kill at statement {deaths}"
        wait_for_lock()
        run = rotation.run(trigger=Trigger.COMMAND, actor=None)
        assert reseal.rows_by_key() == {str(run.new_key_id): len(expected)}, f"after a kill at statement {deaths}"
        assert (run.resealed, run.failures) == (len(expected), [])
        assert secrets() == expected
    assert deaths > 25
    assert Rotation.objects.filter(finished_at=None).count() == 0
    assert EncryptionKey.objects.exclude(state=KeyState.RETIRED).count() == 1
    check_invariants(secrets=[SECRET, PASSWORD])


@pytest.mark.fault
def test_it_stops_the_second_of_two_rotations_and_keeps_what_users_edit_meanwhile(
    token_of: Make, alice: User, chance: Random, check_invariants: Callable[..., None]
) -> None:
    tokens = [token_of(alice, label=f"{number:03}", secret=f"{SECRET}-{number}") for number in range(60)]
    first = killed.start(connection.settings_dict["NAME"], 0)
    while not Rotation.objects.exists():
        time.sleep(0.01)
    with pytest.raises(RotationBusy):
        rotation.run(trigger=Trigger.COMMAND, actor=None)
    edited = chance.sample(range(60), 20)
    for token in (tokens[number] for number in edited):
        services.replace_secret(token=token, actor=alice, secret=f"{SECRET}-edited")
    first.join(30)
    expected = [f"{SECRET}-edited" if number in edited else f"{SECRET}-{number}" for number in range(60)]
    assert (first.exitcode, secrets()) == (0, expected)
    assert len(reseal.rows_by_key()) == 1
    assert not AuditEvent.objects.filter(outcome="failed").exists()
    check_invariants(secrets=[SECRET, PASSWORD])


@pytest.mark.fault
def test_it_does_all_others_where_one_row_is_damaged(
    token_of: Make, alice: User, chance: Random, check_invariants: Callable[..., None]
) -> None:
    """A bit of any byte of any row."""
    tokens = [token_of(alice, label=str(number)) for number in range(5)]
    broken = chance.choice(tokens)
    sealed_value = bytearray(broken.secret)
    sealed_value[chance.randrange(len(sealed_value))] ^= 1 << chance.randrange(8)
    ProviderToken.objects.filter(pk=broken.pk).update(secret=bytes(sealed_value))
    run = rotation.run(trigger=Trigger.COMMAND, actor=None, batch_size=chance.randint(1, 5))
    assert [failure["id"] for failure in run.failures] == [str(broken.pk)]
    assert run.rows_after[str(run.new_key_id)] == 4
    assert EncryptionKey.objects.filter(state=KeyState.DECRYPT_ONLY).count() == 1
    check_invariants(secrets=[SECRET, PASSWORD], unreadable=[str(broken.pk)])
    services.replace_secret(token=broken, actor=alice, secret=SECRET)
    assert rotation.run(trigger=Trigger.COMMAND, actor=None).failures == []
    check_invariants(secrets=[SECRET, PASSWORD])


@pytest.mark.fault
def test_it_retires_no_key_while_an_old_one_is_missing(
    token_of: Make, alice: User, settings: Settings, chance: Random, check_invariants: Callable[..., None]
) -> None:
    old = [token_of(alice, label=str(number)) for number in range(chance.randint(1, 4))]
    kept, settings.MASTER_KEYS = settings.MASTER_KEYS, envelope.new_master_key()
    run = rotation.run(trigger=Trigger.COMMAND, actor=None)
    assert {failure["id"] for failure in run.failures} == {str(token.pk) for token in old}
    assert set(EncryptionKey.objects.values_list("state", flat=True)) == {KeyState.PRIMARY, KeyState.DECRYPT_ONLY}
    settings.MASTER_KEYS = f"{settings.MASTER_KEYS},{kept}"
    assert rotation.run(trigger=Trigger.COMMAND, actor=None).failures == []
    assert sorted(set(EncryptionKey.objects.values_list("state", flat=True))) == [KeyState.PRIMARY, KeyState.RETIRED]
    check_invariants(secrets=[SECRET, PASSWORD])
