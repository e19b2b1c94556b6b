"""Schemas of earlier versions, for tests of migrations."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

# The app and the migration to stand at; with neither, every app at its newest.
Migrate = Callable[..., None]


@pytest.fixture
def migrate(transactional_db: None) -> Iterator[Migrate]:
    """To stand at another migration until the test ends.

    Whatever depends on a migration is taken back with it, in other apps too: afterwards all of them go to their newest.
    """
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    def migrate(app: str = "", name: str = "") -> None:
        executor = MigrationExecutor(connection)
        executor.migrate([(app, name)] if app else executor.loader.graph.leaf_nodes())

    yield migrate
    migrate()
