from __future__ import annotations

import signal
import time
from collections.abc import Callable

import pytest
from django.db import connection

from accounts.models import User
from audit.models import AuditEvent
from audit.verification import verify_stored
from tokens import keyring, rotation, sealed, services
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


def test_it_survives_a_kill_at_every_statement_and_is_finished_by_a_second_run(token_of: Make, alice: User) -> None:
    expected = [f"{SECRET}-{number}" for number in range(3)]
    for number, secret in enumerate(expected):
        token_of(alice, label=str(number), secret=secret)
    deaths = 0
    while True:
        process = killed.start(connection.settings_dict["NAME"], deaths + 1)
        process.join(30)
        if process.exitcode == 0:
            break
        assert process.exitcode == -signal.SIGKILL
        deaths += 1
        assert secrets() == expected, f"after a kill at statement {deaths}"
        wait_for_lock()
        run = rotation.run(trigger=Trigger.COMMAND, actor=None)
        assert sealed.rows_by_key() == {str(run.new_key_id): 3}, f"after a kill at statement {deaths}"
        assert (run.resealed, run.failures) == (3, [])
        assert secrets() == expected
    assert deaths > 25
    assert Rotation.objects.filter(finished_at=None).count() == 0
    assert EncryptionKey.objects.exclude(state=KeyState.RETIRED).count() == 1
    assert verify_stored(heads={}).problem is None


def test_it_stops_the_second_of_two_rotations_and_keeps_what_users_edit_meanwhile(token_of: Make, alice: User) -> None:
    tokens = [token_of(alice, label=f"{number:03}", secret=f"{SECRET}-{number}") for number in range(60)]
    first = killed.start(connection.settings_dict["NAME"], 0)
    while not Rotation.objects.exists():
        time.sleep(0.01)
    with pytest.raises(RotationBusy):
        rotation.run(trigger=Trigger.COMMAND, actor=None)
    for token in tokens[::3]:
        services.replace_secret(token=token, actor=alice, secret=f"{SECRET}-edited")
    first.join(30)
    expected = [f"{SECRET}-edited" if number % 3 == 0 else f"{SECRET}-{number}" for number in range(60)]
    assert (first.exitcode, secrets()) == (0, expected)
    assert len(sealed.rows_by_key()) == 1
    assert not AuditEvent.objects.filter(outcome="failed").exists()
