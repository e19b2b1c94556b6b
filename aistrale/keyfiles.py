"""The secrets that `make run` creates: to sign sessions, wrap the keys of provider tokens and sign checkpoints."""

from __future__ import annotations

import base64
import secrets
from datetime import UTC, datetime
from pathlib import Path

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from aistrale.embedded import write_private


def secret_key_file(data_dir: Path) -> Path:
    return data_dir / "secret_key"


def master_keys_file(data_dir: Path) -> Path:
    return data_dir / "master_keys"


def audit_key_file(data_dir: Path) -> Path:
    return data_dir / "audit_key"


def metrics_token_file(data_dir: Path) -> Path:
    """Never made by us: who wants metrics writes one."""
    return data_dir / "metrics_token"


def has_secret_key() -> bool:
    try:
        return bool(settings.SECRET_KEY)
    except ImproperlyConfigured:  # Django's answer when it is empty
        return False


def create_secret_key(data_dir: Path) -> None:
    write_private(secret_key_file(data_dir), f"{secrets.token_urlsafe(50)}\n")


def create_master_key(data_dir: Path) -> str:
    """The new key's id, such as ``m-20260102-3f9a``."""
    key_id = f"m-{datetime.now(UTC):%Y%m%d}-{secrets.token_hex(2)}"
    material = base64.b64encode(secrets.token_bytes(32)).decode()
    write_private(master_keys_file(data_dir), f"{key_id}:{material}\n")
    return key_id


def create_audit_key(data_dir: Path) -> None:
    write_private(audit_key_file(data_dir), f"{base64.b64encode(secrets.token_bytes(32)).decode()}\n")
