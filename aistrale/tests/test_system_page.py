"""The system page, and what it is made of."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
import structlog
from django.db import connection
from django.test import Client
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob
from pytest_django import Settings

from accounts.models import User
from aistrale import job_queue, recent_errors
from aistrale.actions import SystemAction
from aistrale.effective import effective_settings
from aistrale.env import SettingsEnv, read_secret
from audit.models import AuditEvent
from tokens.keyring import create_key
from tokens.models import EncryptionKey, KeyState
from tokens.tasks import rotate_keys

ClientOf = Callable[[User], Client]
CANARY = "canary-5Yq8Rk2Wb7"


@pytest.fixture
def page(client_of: ClientOf, admin: User) -> Callable[[], str]:
    return lambda: client_of(admin).get("/system/").content.decode()


def test_it_tells_versions_and_health(page: Callable[[], str]) -> None:
    shown = page()
    for part in ("AISTRALE", "Python", "PostgreSQL", "pgvector", "Redis", "Migrations", "Disk"):
        assert f'<th scope="row" class="lead">{part}</th>' in shown
    assert "valkey 9." in shown and "0.1.0" in shown


def test_it_refuses_engineers_and_records_it(client_of: ClientOf, alice: User) -> None:
    assert client_of(alice).get("/system/").status_code == 403
    assert AuditEvent.objects.get().action == "accounts:access:deny"


def test_it_marks_a_key_that_is_too_old(page: Callable[[], str], settings: Settings) -> None:
    settings.KEY_MAX_AGE_DAYS = 30
    create_key(KeyState.PRIMARY)
    assert "Too old" not in page()
    EncryptionKey.objects.update(primary_since=timezone.now() - timedelta(days=31))
    assert "Too old" in page()


def test_it_shows_although_no_key_can_be_used(page: Callable[[], str], settings: Settings) -> None:
    settings.MASTER_KEYS = "not a key"
    assert "No usable keys" in page()


def test_it_shows_the_last_errors_by_request_and_without_secrets(page: Callable[[], str]) -> None:
    request_id = str(uuid4())
    with structlog.contextvars.bound_contextvars(request_id=request_id):
        try:
            raise ValueError(f"no such key: api_key={CANARY}")
        except ValueError:
            logging.getLogger("somewhere").exception("it broke for Bearer %s", CANARY)
    newest = recent_errors.recent()[0]
    assert (newest.event, newest.logger, newest.request_id) == (
        "it broke for Bearer [redacted]",
        "somewhere",
        request_id,
    )
    assert newest.detail == "ValueError: no such key: api_key=[redacted]"
    shown = page()
    assert request_id in shown and CANARY not in shown


def test_it_keeps_no_more_errors_than_it_must() -> None:
    for number in range(recent_errors.KEPT + 5):
        structlog.get_logger("somewhere").error("again", error=f"number {number}")
    assert len(recent_errors.recent()) == recent_errors.KEPT
    assert recent_errors.recent()[0].detail == f"number {recent_errors.KEPT + 4}"


def test_it_leaves_out_what_is_no_error() -> None:
    logging.getLogger("somewhere").warning("mind the gap")
    assert all(error.event != "mind the gap" for error in recent_errors.recent())


def test_it_says_where_each_setting_comes_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_text("FROM_FILE=b\nFROM_BOTH=c\n")
    monkeypatch.setenv("FROM_ENVIRONMENT", "a")
    monkeypatch.setenv("FROM_BOTH", "d")
    env = SettingsEnv()
    env.read_env(str(tmp_path / ".env"), recurse=False)
    for name in ("FROM_ENVIRONMENT", "FROM_FILE", "FROM_BOTH"):
        env.str(name, "")
    env.int("UNSET", 3)
    env.list("NOTHING", [])
    assert [(setting.name, setting.value, setting.origin) for setting in effective_settings(env)] == [
        ("FROM_BOTH", "d", "environment"),
        ("FROM_ENVIRONMENT", "a", "environment"),
        ("FROM_FILE", "b", ".env"),
        ("NOTHING", "not set", "default"),
        ("UNSET", "3", "default"),
    ]


def test_it_shows_no_secret_setting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("in_data_dir", "named"):
        (tmp_path / name).write_text(CANARY)
    monkeypatch.setenv("IN_ENVIRONMENT", CANARY)
    monkeypatch.setenv("IN_NAMED_FILE_FILE", str(tmp_path / "named"))
    monkeypatch.setenv("SERVER_URL", f"redis://:{CANARY}@127.0.0.1/0")
    env = SettingsEnv()
    for name in ("IN_ENVIRONMENT", "IN_NAMED_FILE", "IN_DATA_DIR", "NOWHERE"):
        read_secret(env, name, tmp_path / name.lower())
    env.str("SERVER_URL", "")
    shown = {setting.name: setting for setting in effective_settings(env)}
    assert CANARY not in repr(shown)
    assert shown["IN_ENVIRONMENT"].value == shown["IN_NAMED_FILE"].value == shown["IN_DATA_DIR"].value
    assert shown["IN_NAMED_FILE"].origin == f"file {tmp_path / 'named'}"
    assert shown["NOWHERE"].value == "not set"


@pytest.fixture
def failed_job(db: None) -> ProcrastinateJob:
    job_id = rotate_keys.defer()
    ProcrastinateJob.objects.filter(pk=job_id).update(status="failed", attempts=6)
    job_queue.note_error(job_id, f"ValueError: api_key={CANARY}")
    job: ProcrastinateJob = ProcrastinateJob.objects.get(pk=job_id)
    return job


def test_it_says_that_no_worker_is_alive(page: Callable[[], str]) -> None:
    assert "No worker is running" in page()
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO procrastinate_workers DEFAULT VALUES")
    assert "No worker is running" not in page()


def test_it_shows_a_failed_job_without_secrets(page: Callable[[], str], failed_job: ProcrastinateJob) -> None:
    shown = page()
    assert failed_job.task_name in shown and "ValueError: api_key=[redacted]" in shown and CANARY not in shown
    assert '<td class="num" data-label="Attempts">6</td>' in shown


def test_it_runs_a_failed_job_again_and_records_it(
    client_of: ClientOf, admin: User, failed_job: ProcrastinateJob
) -> None:
    path = f"/system/jobs/{failed_job.pk}/run-again/"
    assert client_of(admin).post(path).headers["Location"] == "/system/"
    failed_job.refresh_from_db()
    assert (failed_job.status, failed_job.attempts) == ("todo", 7)
    entry = AuditEvent.objects.get(action=SystemAction.JOB_RUN_AGAIN)
    assert (entry.target_id, entry.after) == (str(failed_job.pk), {"task": failed_job.task_name})
    assert client_of(admin).post(path).status_code == 404


def test_it_runs_nothing_again_for_engineers(client_of: ClientOf, alice: User, failed_job: ProcrastinateJob) -> None:
    assert client_of(alice).post(f"/system/jobs/{failed_job.pk}/run-again/").status_code == 403
    failed_job.refresh_from_db()
    assert failed_job.status == "failed"
