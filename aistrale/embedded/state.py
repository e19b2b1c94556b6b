"""What is remembered between starts: ports, passwords and places, in one private file of the data directory."""

from __future__ import annotations

import json
import os
import secrets
import socket
from dataclasses import asdict, dataclass, field
from pathlib import Path

from aistrale.embedded.process import ServerError

FILE_NAME = "embedded.json"


def _password() -> str:
    return secrets.token_urlsafe(24)


@dataclass(frozen=True, kw_only=True)
class State:
    """``elsewhere`` is where the servers' data lies when it is not in the data directory, see `paths`."""

    elsewhere: str | None
    postgres_port: int
    redis_port: int
    postgres_password: str = field(default_factory=_password, repr=False)
    postgres_superuser_password: str = field(default_factory=_password, repr=False)
    redis_password: str = field(default_factory=_password, repr=False)


def load(data_dir: Path) -> State | None:
    """None before the first start."""
    path = data_dir / FILE_NAME
    try:
        return State(**json.loads(path.read_text()))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise ServerError(
            f"Cannot read {path} ({error.strerror}): run this as the account that owns it, or set AISTRALE_DATA_DIR."
        ) from error
    except (ValueError, TypeError) as error:
        raise ServerError(
            f"{path} is damaged. It holds ports and passwords of the embedded servers: restore it from a backup, or "
            "move the whole directory away to start anew."
        ) from error


def save(data_dir: Path, state: State) -> None:
    write_private(data_dir / FILE_NAME, json.dumps(asdict(state), indent=2) + "\n")


def write_private(path: Path, text: str) -> None:
    """Write a file that only we can read; a crash leaves either the old content or the new. Raises ServerError."""
    unfinished = path.with_name(f"{path.name}.new")
    try:
        unfinished.unlink(missing_ok=True)
        with open(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        unfinished.rename(path)
    except OSError as error:
        raise ServerError(f"Cannot write {path} ({error.strerror}): make room for it, or make it writable.") from error


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
    return port


def is_free(port: int) -> bool:
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
