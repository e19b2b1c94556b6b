"""A migration that is killed anywhere is finished by the next start."""

from __future__ import annotations

import secrets
import signal
from collections.abc import Callable, Iterator
from random import Random
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from django.conf import settings
from django.db import connection

from tokens.tests import killed

pytestmark = pytest.mark.django_db(transaction=True)

COLUMNS = (
    "SELECT table_name, column_name, data_type, is_nullable FROM information_schema.columns"
    " WHERE table_schema = 'public' ORDER BY 1, 2"
)
CONSTRAINTS = "SELECT conrelid::regclass::text, conname FROM pg_constraint WHERE conrelid <> 0 ORDER BY 1, 2"
INDEXES = "SELECT tablename, indexname FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1, 2"
TRIGGERS = "SELECT tgrelid::regclass::text, tgname FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1, 2"


def migrate(database: str, die_at: int) -> None:
    from django.core.management import call_command

    with killed.dying(database, die_at):
        call_command("migrate", interactive=False, verbosity=0)


def schema(database: str) -> list[Any]:
    url = urlsplit(settings.DATABASE_URL)._replace(path=f"/{database}").geturl()
    with psycopg.connect(url) as looking:
        return [looking.execute(query).fetchall() for query in (COLUMNS, CONSTRAINTS, INDEXES, TRIGGERS)]


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
    assert schema(empty) == schema(str(connection.settings_dict["NAME"]))
    check_invariants()
