"""A database whose disk is full: a real file system, made small."""

from __future__ import annotations

import os
import secrets
import string
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

import httpx2
import psycopg
import pytest
from django.test import Client
from psycopg import sql
from pytest_django.fixtures import Settings

from aistrale import keyfiles
from aistrale.embedded import ServerError
from aistrale.embedded import state as states
from aistrale.embedded.process import unprivileged_user
from aistrale.tests.end_to_end.browser import Site, add_administrator, running_site
from aistrale.tests.end_to_end.site_runs import STARTED, ask, chat_socket, ended, streaming
from aistrale.tests.processes import reachable_directory


@dataclass(frozen=True)
class SmallDisk:
    """``name`` is that of a tablespace on it."""

    directory: Path
    name: str

    def fill(self) -> None:
        with (self.directory / "filler").open("wb", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(4096))
            except OSError:
                return

    def clear(self) -> None:
        (self.directory / "filler").unlink()


@contextmanager
def small_file_system(megabytes: int) -> Iterator[Path]:
    """Skips the test where nothing can be mounted."""
    with reachable_directory() as directory:
        mount = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=711", "tmpfs", str(directory)]
        if os.geteuid() or subprocess.run(mount, capture_output=True).returncode:
            pytest.skip("Nothing can be mounted here.")
        try:
            yield directory
        finally:
            subprocess.run(["umount", "--lazy", str(directory)], check=True)


@pytest.fixture
def small_disk() -> Iterator[SmallDisk]:
    with small_file_system(48) as directory, superuser() as connection:
        place = directory / "tablespace"
        place.mkdir()
        if user := unprivileged_user():
            os.chown(place, user.pw_uid, user.pw_gid)
        name = sql.Identifier(f"small_{secrets.token_hex(6)}")
        connection.execute(sql.SQL("CREATE TABLESPACE {} OWNER aistrale LOCATION {}").format(name, str(place)))
        yield SmallDisk(directory, name.as_string().strip('"'))
        connection.execute(sql.SQL("DROP TABLESPACE {}").format(name))


def superuser() -> psycopg.Connection:
    """Of the server of this run."""
    state = states.load(Path(os.environ["AISTRALE_DATA_DIR"]))
    assert state is not None
    return psycopg.connect(
        host="127.0.0.1",
        port=state.postgres_port,
        user="postgres",
        password=state.postgres_superuser_password,
        dbname="postgres",
        autocommit=True,
    )


@pytest.fixture
def cramped_site(tmp_path: Path, small_disk: SmallDisk) -> Iterator[Site]:
    with running_site(tmp_path, tablespace=small_disk.name) as site:
        add_administrator(site)
        yield site


def readiness(site: Site) -> tuple[int, str]:
    answer = httpx2.get(f"{site.url}/health/ready")
    return answer.status_code, answer.text


@pytest.mark.django_db(transaction=True)
def test_it_is_not_ready_while_the_disk_of_its_data_is_full(client: Client, settings: Settings) -> None:
    with small_file_system(8) as directory:
        settings.DATA_DIR = directory
        answer = client.get("/health/ready")
    assert (answer.status_code, answer.content) == (503, b"The disk of the data directory is full.")


def test_it_names_a_file_that_it_cannot_write() -> None:
    with small_file_system(1) as directory:
        SmallDisk(directory, "").fill()
        with pytest.raises(ServerError, match=r"Cannot write \S+/secret_key \(No space left on device\): make room"):
            keyfiles.create_secret_key(directory)


@pytest.mark.fault
def test_a_full_disk_is_named_and_loses_nothing(cramped_site: Site, small_disk: SmallDisk, chance: Random) -> None:
    # Of chance alone: PostgreSQL would make little of what can be compressed.
    long = "".join(chance.choices(string.ascii_letters, k=60_000))
    with streaming(cramped_site, length=150), chat_socket(cramped_site) as other:
        small_disk.fill()
        refusal = ask(other, text=long, until_text="send it again later.")
        full = readiness(cramped_site)
        small_disk.clear()
        row = ended(cramped_site)
        ask(other, text=long, until_text=STARTED, length=1)

    assert "The disk of the database is full." in refusal
    assert full == (503, "The disk of the database is full.")
    assert (row[0], row[2]) == ("succeeded", "")
    assert readiness(cramped_site) == (200, "ok")
