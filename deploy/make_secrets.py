"""Create the secrets that `docker-compose.yml` reads, each in a file of its own that only its owner may read.

    python3 deploy/make_secrets.py [--directory deploy/secrets] [--env-file .env]

Files that exist are left alone: a new master key would open nothing. Uses the standard library only.
"""

from __future__ import annotations

import argparse
import base64
import os
import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# The containers run as whoever owns the files, and never as root.
UNPRIVILEGED = 10001
UID_SETTING = "AISTRALE_UID"


def main() -> None:
    parser = argparse.ArgumentParser(description="Create the secrets of docker-compose.yml that do not exist yet.")
    parser.add_argument("--directory", type=Path, default=ROOT / "deploy" / "secrets")
    parser.add_argument("--env-file", type=Path, default=ROOT / ".env", help="gets the owner of the files")
    arguments = parser.parse_args()
    for name in create_missing(arguments.directory):
        print(f"Created {arguments.directory / name}")
    record_owner(arguments.env_file, owner())
    print(f"Keep a copy of {arguments.directory}, apart from dumps of the database.")


def create_missing(directory: Path) -> list[str]:
    """The names of the files that were created."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.chown(directory, owner(), -1)
    missing = [name for name in CONTENTS if not (directory / name).exists()]
    for name in missing:
        write_private(directory / name, CONTENTS[name](directory))
    return missing


def owner() -> int:
    return os.getuid() or UNPRIVILEGED


def write_private(path: Path, text: str) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(handle, "w") as file:
        os.chown(handle, owner(), -1)
        file.write(f"{text}\n")


def record_owner(env_file: Path, uid: int) -> None:
    """For the interpolation of docker-compose.yml."""
    text = env_file.read_text() if env_file.exists() else ""
    if not any(line.startswith(f"{UID_SETTING}=") for line in text.splitlines()):
        separator = "\n" if text and not text.endswith("\n") else ""
        env_file.write_text(f"{text}{separator}{UID_SETTING}={uid}\n")


def password(directory: Path) -> str:
    """Of letters and digits, so that it needs no escaping in a URL."""
    return secrets.token_hex(24)


def master_key(directory: Path) -> str:
    key_id = f"m-{datetime.now(UTC):%Y%m%d}-{secrets.token_hex(2)}"
    return f"{key_id}:{random_key(directory)}"


def random_key(directory: Path) -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode()


def database_url(directory: Path) -> str:
    return f"postgres://aistrale:{read(directory, 'database_password')}@postgres:5432/aistrale"


def redis_url(directory: Path) -> str:
    return f"redis://:{read(directory, 'valkey_password')}@valkey:6379/0"


def valkey_conf(directory: Path) -> str:
    return f"requirepass {read(directory, 'valkey_password')}"


def read(directory: Path, name: str) -> str:
    return (directory / name).read_text().strip()


# In this order: the URLs hold the passwords.
CONTENTS: dict[str, Callable[[Path], str]] = {
    "secret_key": lambda directory: secrets.token_urlsafe(50),
    "master_keys": master_key,
    "audit_key": random_key,
    "database_password": password,
    "database_url": database_url,
    "valkey_password": password,
    "valkey.conf": valkey_conf,
    "redis_url": redis_url,
    "grafana_password": password,
}


if __name__ == "__main__":
    main()
