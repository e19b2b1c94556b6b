"""A migration that is killed anywhere is finished by the next start."""

from __future__ import annotations

import secrets
import signal
from collections.abc import Callable, Iterator
from random import Random

import pytest
from django.db import connection

from aistrale.tests.end_to_end.prepared import url_of
from aistrale.tests.schema import schema
from tokens.tests import killed

pytestmark = pytest.mark.django_db(transaction=True)


def migrate(database: str, die_at: int) -> None:
    from django.core.management import call_command

    with killed.dying(database, die_at):
        call_command("migrate", interactive=False, verbosity=0)


@pytest.fixture
def empty() -> Iterator[str]:
    name = f"half_{secrets.token_hex(4)}"
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name}")
    yield name
    with connection.cursor() as cursor:
        cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.mark.fault
def test_it_finishes_a_migration_that_was_killed(
    empty: str, chance: Random, check_invariants: Callable[..., None]
) -> None:
    first = killed.start(empty, chance.randint(1, 200), target=migrate)
    first.join(60)
    assert first.exitcode == -signal.SIGKILL
    again = killed.start(empty, 0, target=migrate)
    again.join(60)
    assert again.exitcode == 0
    assert schema(url_of(empty)) == schema(url_of(str(connection.settings_dict["NAME"])))
    check_invariants()
