from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client

from aistrale import health


@pytest.fixture
def pending(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], None]]:
    """A database that lacks a migration, for a process that has just started; gives what applies it."""
    monkeypatch.setattr(health, "_was_migrated", False)
    newest = MigrationLoader(connection).graph.leaf_nodes("webhooks")[0]
    recorder = MigrationRecorder(connection)
    recorder.record_unapplied(*newest)
    yield lambda: recorder.record_applied(*newest)
    recorder.record_applied(*newest)


def test_it_is_not_ready_before_the_database_is_migrated(client: Client, pending: Callable[[], None]) -> None:
    answer = client.get("/health/ready")
    assert (answer.status_code, answer.content) == (503, b"Database migrations are pending.")
    pending()
    assert client.get("/health/ready").status_code == 200
