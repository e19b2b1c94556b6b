from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client

from aistrale import health

NEWEST = ("webhooks", "0001_initial")


@pytest.fixture
def pending(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A database that lacks a migration, for a process that has just started."""
    monkeypatch.setattr(health, "_was_migrated", False)
    recorder = MigrationRecorder(connection)
    recorder.record_unapplied(*NEWEST)
    yield
    recorder.record_applied(*NEWEST)


def test_it_is_not_ready_before_the_database_is_migrated(client: Client, pending: None) -> None:
    answer = client.get("/health/ready")
    assert (answer.status_code, answer.content) == (503, b"Database migrations are pending.")
    MigrationRecorder(connection).record_applied(*NEWEST)
    assert client.get("/health/ready").status_code == 200
