"""Backup and restore as docs/operations.md describes them, with PostgreSQL's own programs."""

from __future__ import annotations

import base64
import json
import os
import secrets
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import urlsplit

import httpx2
import psycopg
import pytest
from django.conf import settings
from django.db import connection
from psycopg import sql

from accounts.models import User
from aistrale import keyfiles
from aistrale.embedded import postgres_programs
from aistrale.tests.end_to_end.test_up import Installation
from aistrale.tests.processes import MANAGE
from audit.models import AuditEvent
from conftest import PASSWORD
from tokens import rotation, services
from tokens.models import ProviderToken, Trigger

SECRET = "sk-canary-in-a-dump-5Hq8ZkT1"

pytestmark = pytest.mark.django_db(transaction=True)


def url_of(database: str) -> str:
    return urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{database}").geturl()


def master_key(name: str) -> str:
    return f"{name}:{base64.b64encode(secrets.token_bytes(32)).decode()}"


def dump(path: Path) -> Path:
    manage(here(), "dump", str(path)).check_returncode()
    return path


def here(**changes: str) -> dict[str, str]:
    """The environment of the machine that is backed up."""
    own = {"DATABASE_URL": url_of(str(connection.settings_dict["NAME"])), "DJANGO_SETTINGS_MODULE": "aistrale.settings"}
    return os.environ | own | changes


def manage(environment: dict[str, str], *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(MANAGE), *command],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
    )


class Machine:
    """An empty one: a database and a data directory of its own."""

    def __init__(self, database: str, data: Path) -> None:
        self.url, self.data = url_of(database), data

    def restore(self, file: Path) -> None:
        self.manage("restore", str(file), master_keys="").check_returncode()

    def manage(self, *command: str, master_keys: str) -> subprocess.CompletedProcess[str]:
        own = {"AISTRALE_DATA_DIR": str(self.data), "AISTRALE_MASTER_KEYS": master_keys, "DATABASE_URL": self.url}
        return manage(here(**own), *command)

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
def machine(data_dir: Path) -> Iterator[Machine]:
    name = f"restored_{secrets.token_hex(4)}"
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name}")
    try:
        yield Machine(name, data_dir)
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def token(alice: User) -> ProviderToken:
    return services.add_token(owner=alice, actor=alice, provider="openai", label="Main", secret=SECRET)


def test_it_restores_on_an_empty_machine(data_dir: Path, tmp_path: Path, token: ProviderToken) -> None:
    """The steps of docs/operations.md, with the embedded servers: keys, restore, start, proof, log-in."""
    file = dump(tmp_path / "aistrale.dump")
    keyfiles.create_audit_key(data_dir)
    (data_dir / "master_keys").write_text(settings.MASTER_KEYS)
    checkpoint_of_all(data_dir)
    installation = Installation(data_dir)
    manage(installation.environment(), "restore", str(file)).check_returncode()
    with installation.running(until="AISTRALE is ready") as (_, said):
        assert "migrations" not in said and "master key" not in said
        with httpx2.Client(base_url=f"http://127.0.0.1:{installation.port}", follow_redirects=True) as browser:
            assert "Main" in log_in(browser).get("/tokens/").text
        for command in (["doctor"], ["rotate_keys", "--verify"], ["verify_audit"]):
            done = manage(installation.environment(), *command)
            assert done.returncode == 0, f"{command}: {done.stdout} {done.stderr}"


def checkpoint_of_all(data_dir: Path) -> None:
    """What the old machine wrote of its log."""
    code = "import django; django.setup(); from audit.checkpointer import write_if_due as w; assert w()"
    environment = here(AISTRALE_DATA_DIR=str(data_dir))
    subprocess.run([sys.executable, "-c", code], cwd=MANAGE.parent, env=environment, check=True)


def log_in(browser: httpx2.Client) -> httpx2.Client:
    page = browser.get("/login/").text
    csrf = page.partition('name="csrfmiddlewaretoken" value="')[2].partition('"')[0]
    form = {"csrfmiddlewaretoken": csrf, "login": "alice@example.org", "password": PASSWORD}
    answer = browser.post("/login/", data=form, headers={"Origin": str(browser.base_url).rstrip("/")})
    assert answer.status_code == 200 and answer.url.path == "/"
    return browser


def test_it_dumps_neither_secrets_nor_usable_keys(tmp_path: Path, token: ProviderToken) -> None:
    file = dump(tmp_path / "aistrale.dump")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    command = [str(postgres_programs() / "pg_restore"), "--file=-", str(file)]
    text = subprocess.run(command, check=True, capture_output=True).stdout
    material = settings.MASTER_KEYS.partition(":")[2]
    assert b"Main" in text and SECRET.encode() not in text and SECRET.encode().hex().encode() not in text
    assert material.encode() not in text and base64.b64decode(material).hex().encode() not in text


def test_it_overwrites_no_file_and_leaves_none_behind(tmp_path: Path, db: None) -> None:
    (tmp_path / "there").write_text("precious")
    refused = manage(here(), "dump", str(tmp_path / "there"))
    assert refused.returncode == 1 and "cannot be written (File exists)" in refused.stderr
    assert (tmp_path / "there").read_text() == "precious"
    nowhere = here(DATABASE_URL="postgres://someone:planted@127.0.0.1:1/none")
    gone = manage(nowhere, "dump", str(tmp_path / "new"))
    assert gone.returncode == 1 and "out of reach" in gone.stderr and "planted" not in gone.stderr
    assert not (tmp_path / "new").exists()


def test_it_restores_into_no_database_that_holds_something(
    machine: Machine, tmp_path: Path, token: ProviderToken
) -> None:
    file = dump(tmp_path / "aistrale.dump")
    machine.restore(file)
    before = machine.rows()
    refused = machine.manage("restore", str(file), master_keys="")
    assert refused.returncode == 1 and "tables already and is left alone" in refused.stderr
    assert machine.rows() == before


def test_it_restores_all_of_a_dump_or_nothing(machine: Machine, tmp_path: Path, token: ProviderToken) -> None:
    file = dump(tmp_path / "aistrale.dump")
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 5])
    refused = machine.manage("restore", str(file), master_keys="")
    assert refused.returncode == 1 and "pg_restore failed, and nothing was changed" in refused.stderr
    with psycopg.connect(machine.url) as restored:
        assert restored.execute("SELECT 1 FROM pg_tables WHERE schemaname = 'public'").fetchall() == []


@pytest.mark.fault
def test_it_names_a_wrong_or_missing_key_and_overwrites_nothing(
    machine: Machine, tmp_path: Path, token: ProviderToken, chance: Random, check_invariants: Callable[..., None]
) -> None:
    wrong = {
        "": "need the master key m-test, which is not here",
        master_key("m-other"): "need the master key m-test, which is not here",
        master_key("m-test"): "does not open with the master key 'm-test'",
        "m-test:c2hvcnQ=": "'m-test' has 5 bytes",
    }
    for number in range(chance.randint(0, 3)):
        services.add_token(owner=token.owner, actor=None, provider="groq", label=str(number), secret=SECRET)
    machine.restore(dump(tmp_path / "aistrale.dump"))
    before = machine.rows()
    for keys, reason in wrong.items():
        answer = machine.manage("prepare", master_keys=keys)
        assert answer.returncode != 0 and reason in answer.stderr
        assert machine.rows() == before and list(machine.data.iterdir()) == []
    assert machine.opens_all(master_keys=settings.MASTER_KEYS)
    check_invariants(secrets=[SECRET, PASSWORD])


def test_it_restores_a_dump_from_before_a_rotation_with_the_archived_key(
    machine: Machine, tmp_path: Path, token: ProviderToken
) -> None:
    old = dump(tmp_path / "aistrale.dump")
    rotation.run(trigger=Trigger.COMMAND, actor=None)
    machine.restore(old)
    archived, present = settings.MASTER_KEYS, master_key("m-new")
    refused = machine.manage("prepare", master_keys=present)
    assert refused.returncode != 0 and "need the master key m-test" in refused.stderr
    both = f"{present}\n{archived}"
    assert machine.manage("rotate_master_key", master_keys=both).returncode == 0
    assert machine.opens_all(master_keys=present)


def test_it_says_that_entries_after_an_older_dump_are_lost(
    machine: Machine, data_dir: Path, tmp_path: Path, token: ProviderToken
) -> None:
    keyfiles.create_audit_key(data_dir)
    checkpoint_of_all(data_dir)
    old, kept = dump(tmp_path / "aistrale.dump"), AuditEvent.objects.count()
    rotation.run(trigger=Trigger.COMMAND, actor=None)
    late = AuditEvent.objects.count()
    os.utime(next((data_dir / "checkpoints").iterdir()), (0, 0))
    checkpoint_of_all(data_dir)
    machine.restore(old)
    found = machine.manage("verify_audit", master_keys="")
    expected = f"First invalid entry {kept + 1}: it is missing: a signed checkpoint knows {late} entries."
    assert found.returncode == 1 and expected in found.stderr
    (data_dir / "checkpoints" / f"checkpoint-{late:015d}.json").rename(tmp_path / "lost.json")
    assert machine.manage("verify_audit", master_keys="").returncode == 0
