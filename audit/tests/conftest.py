from __future__ import annotations

import base64
import secrets
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from pytest_django import Settings

if TYPE_CHECKING:
    from accounts.models import User


def new_key() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode()


@pytest.fixture
def checkpoints(settings: Settings, tmp_path: Path) -> Path:
    """A directory for checkpoints, and a key to sign them."""
    settings.AUDIT_KEYS = new_key()
    settings.CHECKPOINT_DIR = tmp_path / "checkpoints"
    return tmp_path / "checkpoints"


@pytest.fixture
def log(alice: User, checkpoints: Path, settings: Settings) -> Path:
    """A log of six entries by alice with a checkpoint of the fourth and the sixth, whose directory it returns."""
    from accounts.actions import AccountsAction
    from audit import checkpointer, services

    settings.CHECKPOINT_ENTRIES = 2
    for number in range(1, 7):
        services.record(action=AccountsAction.USER_UPDATE, actor=alice, after={"number": number})
        if number >= 4:
            checkpointer.write_if_due()
    return checkpoints
