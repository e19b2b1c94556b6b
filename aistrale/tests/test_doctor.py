from __future__ import annotations

import base64
import json
import os
import secrets
import subprocess
import sys
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone
from pytest_django import Settings

from aistrale.embedded.state import free_port
from aistrale.tests.processes import MANAGE
from tokens.keyring import create_key, forget
from tokens.models import EncryptionKey, KeyState
from tokens.tasks import rotate_keys

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _audit_key(settings: Settings) -> None:
    settings.AUDIT_KEYS = base64.b64encode(secrets.token_bytes(32)).decode()


@pytest.fixture(autouse=True)
def _worker(db: None) -> None:
    """One that is alive."""
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO procrastinate_workers DEFAULT VALUES")


def examine(expected_exit_code: int) -> dict[str, dict[str, Any]]:
    output = StringIO()
    with pytest.raises(SystemExit) as exit:
        call_command("doctor", "--json", stdout=output)
    assert exit.value.code == expected_exit_code
    report = json.loads(output.getvalue())
    assert report["ok"] is (expected_exit_code == 0)
    return {check["name"]: check for check in report["checks"]}


def test_it_finds_a_sound_installation_sound() -> None:
    create_key(KeyState.PRIMARY)
    assert all(check["ok"] for check in examine(0).values())


def test_it_says_which_versions_it_found() -> None:
    checks = examine(0)
    assert checks["PostgreSQL"]["detail"].startswith("18.")
    assert checks["Redis"]["detail"].startswith("valkey 9.")


def test_it_prints_one_line_for_each_check() -> None:
    output = StringIO()
    with pytest.raises(SystemExit):
        call_command("doctor", stdout=output)
    lines = output.getvalue().splitlines()
    assert lines[-1] == "All checks passed."
    assert all(line.startswith("ok ") for line in lines[:-1])


def test_it_reports_a_redis_out_of_reach_without_its_password(settings: Settings) -> None:
    settings.REDIS_URL = f"redis://:planted-password@127.0.0.1:{free_port()}/0"
    detail = examine(1)["Redis"]["detail"]
    assert "out of reach" in detail
    assert "planted-password" not in detail


def test_it_reports_a_database_out_of_reach_without_its_password() -> None:
    url = f"postgres://someone:planted-password@127.0.0.1:{free_port()}/aistrale"
    command = [sys.executable, str(MANAGE), "doctor", "--json"]
    result = subprocess.run(command, env=os.environ | {"DATABASE_URL": url}, capture_output=True, text=True)
    [detail] = [check["detail"] for check in json.loads(result.stdout)["checks"] if check["name"] == "PostgreSQL"]
    assert result.returncode == 1
    assert "out of reach" in detail
    assert "planted-password" not in result.stdout + result.stderr


def test_it_reports_migrations_that_the_code_does_not_know() -> None:
    MigrationRecorder(connection).record_applied("tokens", "9999_from_the_future")
    assert "tokens.9999_from_the_future" in examine(1)["Migrations"]["detail"]


def test_it_reports_migrations_that_are_not_applied() -> None:
    MigrationRecorder(connection).record_unapplied("sessions", "0001_initial")
    assert "sessions.0001_initial" in examine(1)["Migrations"]["detail"]


def test_it_reports_a_missing_master_key(settings: Settings) -> None:
    settings.MASTER_KEYS = ""
    assert not examine(1)["Master keys"]["ok"]


def test_it_reports_data_keys_that_do_not_decrypt() -> None:
    key = create_key(KeyState.PRIMARY)
    key.wrapped = bytes(len(key.wrapped))
    key.save()
    forget()
    assert str(key.pk) in examine(1)["Data keys"]["detail"]


def test_it_warns_of_a_key_older_than_its_policy(settings: Settings) -> None:
    settings.KEY_MAX_AGE_DAYS = 30
    create_key(KeyState.PRIMARY)
    assert not examine(0)["Data keys"]["warning"]
    EncryptionKey.objects.update(primary_since=timezone.now() - timedelta(days=31))
    found = examine(0)["Data keys"]
    assert found["warning"] and "31 days old" in found["detail"] and "rotate_keys" in found["detail"]
    output = StringIO()
    with pytest.raises(SystemExit):
        call_command("doctor", stdout=output)
    assert "warn    Data keys" in output.getvalue() and "All checks passed, 1 with warnings." in output.getvalue()


def test_it_warns_where_no_worker_is_alive() -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE procrastinate_workers SET last_heartbeat = '2026-01-31 12:00+00'")
    found = examine(0)["Worker"]
    assert found["warning"] and "No worker is running (last heartbeat 2026-01-31 12:00:00 UTC)" in found["detail"]
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_workers")
    assert "No worker is running. " in examine(0)["Worker"]["detail"]


def test_it_warns_of_failed_jobs() -> None:
    rotate_keys.defer()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE procrastinate_jobs SET status = 'failed'")
    found = examine(0)["Worker"]
    assert found["warning"] and "Failed jobs: 1." in found["detail"]


def test_it_reports_a_missing_data_directory(settings: Settings, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path / "gone"
    disk = examine(1)["Disk"]
    assert not disk["ok"] and "set AISTRALE_DATA_DIR" in disk["detail"]
