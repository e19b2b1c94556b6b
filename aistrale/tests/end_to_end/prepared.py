"""What every site begins with, made once for a whole run: a migrated database, and the static files.

That they are made from nothing is for the tests of `manage.py up` to see.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from aistrale.tests.processes import MANAGE

DATABASE = "prepared"


def url_of(database: str) -> str:
    """Of a database on the server of this run."""
    return urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{database}").geturl()


@contextmanager
def prepared_database(data_dir: Path, *, tablespace: str | None = None) -> Iterator[str]:
    """The URL of a database that only lacks people. ``data_dir`` gets the static files."""
    made = _make_once()
    shutil.copytree(made, data_dir, copy_function=os.link, dirs_exist_ok=True)
    name = f"site_{secrets.token_hex(6)}"
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
        place = sql.SQL("TABLESPACE {}").format(sql.Identifier(tablespace)) if tablespace else sql.SQL("")
        create = sql.SQL("CREATE DATABASE {} TEMPLATE {} {}")
        connection.execute(create.format(sql.Identifier(name), sql.Identifier(DATABASE), place))
        yield url_of(name)
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def _make_once() -> Path:
    """The data directory of what is copied. Whichever process of the run comes first makes it, others wait for it."""
    directory = Path(os.environ["AISTRALE_DATA_DIR"]) / DATABASE
    with directory.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not directory.exists():
            _make(directory)
    return directory


def _make(directory: Path) -> None:
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))
    unfinished = directory.with_suffix(".new")
    unfinished.mkdir()
    own = {"DATABASE_URL": url_of(DATABASE), "AISTRALE_DATA_DIR": str(unfinished)}
    subprocess.run([sys.executable, MANAGE, "prepare"], env=os.environ | own, check=True, stdout=subprocess.DEVNULL)
    unfinished.rename(directory)
