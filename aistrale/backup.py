"""Dumps of the database, taken and restored with PostgreSQL's own programs. No key is ever part of a dump.

With an embedded server these are the programs that came with it, and the server is started if it does not run. With a
server of one's own they are those on the PATH, unless there are none or they are older than it.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

import psycopg
from django.conf import settings
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from aistrale.connectivity import OutOfReach
from aistrale.embedded import DataDirectory, Servers, database_url, postgres_programs

CONNECT_SECONDS = 4
# What belongs to the server the dump came from: its roles, their rights, remarks on extensions.
PORTABLE = ("--no-owner", "--no-privileges", "--no-comments")


class BackupRefused(Exception):
    """What is wrong and what to do, in one line; nothing was changed."""


def dump(path: Path) -> None:
    """Write the whole database, as of one moment, to a new file that only we may read.

    Raises BackupRefused, OutOfReach and ServerError; then there is no file.
    """
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise BackupRefused(
            f"{path} cannot be written ({error.strerror}): name a file that is not there yet."
        ) from error
    try:
        with open(handle, "wb") as file, _database() as url:
            _run("pg_dump", url, "--format=custom", *PORTABLE, stdout=file)
    except BaseException:
        path.unlink()
        raise


def restore(path: Path) -> None:
    """Fill an empty database from a dump, all or nothing.

    Raises BackupRefused, also where the database is not empty, OutOfReach and ServerError.
    """
    try:
        file = path.open("rb")
    except OSError as error:
        raise BackupRefused(f"{path} cannot be read: {error.strerror}.") from error
    with file, _database() as url:
        if count := _tables(url):
            raise BackupRefused(
                f"The database has {count} tables already and is left alone: restore into an empty one, "
                "for instance with another AISTRALE_DATA_DIR or DATABASE_URL."
            )
        _run("pg_restore", url, *PORTABLE, "--exit-on-error", "--single-transaction", stdin=file)


@contextmanager
def _database() -> Iterator[str]:
    """The URL of the database while it answers."""
    if _answers(settings.DATABASE_URL):
        yield settings.DATABASE_URL
        return
    if not settings.EMBEDDED_POSTGRES:
        raise OutOfReach("PostgreSQL is out of reach: start it, or set DATABASE_URL to one that runs.")
    directory = DataDirectory(settings.DATA_DIR)
    servers = Servers(settings.DATA_DIR, valkey=False)
    try:
        servers.start()
        yield database_url(settings.DATA_DIR)
    finally:
        servers.stop()
        directory.release()


def _answers(url: str) -> bool:
    with suppress(psycopg.OperationalError):
        if url:
            psycopg.connect(url, connect_timeout=CONNECT_SECONDS).close()
            return True
    return False


def _tables(url: str) -> int:
    with psycopg.connect(url, connect_timeout=CONNECT_SECONDS) as connection:
        row = connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone()
    return int(row[0]) if row else 0


def _run(name: str, url: str, *options: str, stdin: IO[bytes] | None = None, stdout: IO[bytes] | None = None) -> None:
    address = conninfo_to_dict(url)
    # By the environment: everybody on the machine sees the command line.
    environment = os.environ | {"PGPASSWORD": str(address.pop("password", "") or "")}
    command = [_program(name, url), *options, "--no-password", "--dbname", make_conninfo("", **address)]
    result = subprocess.run(command, env=environment, stdin=stdin, stdout=stdout, stderr=subprocess.PIPE, text=True)
    if result.returncode:
        reason = " ".join(result.stderr.split()) or f"exit code {result.returncode}"
        raise BackupRefused(f"{name} failed, and nothing was changed: {reason}")


def _program(name: str, url: str) -> Path | str:
    own = None if settings.EMBEDDED_POSTGRES else shutil.which(name)
    if own and _major_version(own) >= _server_version(url):
        return own
    return postgres_programs() / name


def _major_version(program: str) -> int:
    told = subprocess.run([program, "--version"], capture_output=True, text=True).stdout
    found = re.search(r"\d+", told)
    return int(found[0]) if found else 0


def _server_version(url: str) -> int:
    with psycopg.connect(url, connect_timeout=CONNECT_SECONDS) as connection:
        return connection.info.server_version // 10000
