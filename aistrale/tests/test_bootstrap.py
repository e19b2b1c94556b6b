from __future__ import annotations

from pathlib import Path

import pytest
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from pytest_django import Settings

from aistrale import bootstrap
from tokens.keyring import create_key
from tokens.models import KeyState

pytestmark = pytest.mark.django_db


def test_it_refuses_a_database_newer_than_the_code() -> None:
    MigrationRecorder(connection).record_applied("tokens", "9999_from_the_future")
    with pytest.raises(bootstrap.NotPrepared, match=r"newer than this code \(it has tokens\.9999_from_the_future\)"):
        bootstrap.check_database_is_known()


def test_it_accepts_a_database_of_its_own_age() -> None:
    bootstrap.check_database_is_known()
    assert bootstrap.pending_migrations() == []


def test_it_refuses_data_keys_whose_master_key_is_missing(settings: Settings) -> None:
    lost = create_key(KeyState.PRIMARY).master_key_id
    settings.MASTER_KEYS = ""
    with pytest.raises(bootstrap.NotPrepared, match=f"need the master key {lost}, which is not here"):
        bootstrap.check_master_keys()


def test_it_accepts_data_keys_whose_master_key_is_here() -> None:
    create_key(KeyState.PRIMARY)
    bootstrap.check_master_keys()


def test_it_leaves_static_files_alone_that_were_collected_beforehand(settings: Settings, tmp_path: Path) -> None:
    settings.STATIC_IS_COLLECTED, settings.STATIC_ROOT, settings.DATA_DIR = True, tmp_path / "missing", tmp_path
    assert not bootstrap.collect_static_files()
    assert list(tmp_path.iterdir()) == []
