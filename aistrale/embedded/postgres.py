"""The embedded PostgreSQL: one cluster, one database `aistrale` owned by the role `aistrale`, TCP on 127.0.0.1 only."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import IO

import psycopg
from psycopg import sql

from aistrale.embedded.errors import EndedEarlyError, ServerError
from aistrale.embedded.place import POSTGRES_PROGRAMS, make_directory
from aistrale.embedded.process import BARE_ENVIRONMENT, Child, end_orphan, identity
from aistrale.embedded.state import State

READY_SECONDS = 120.0  # crash recovery replays the log first

SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    "log_checkpoints": "off",
    # Statements and rows in the log would carry people's text.
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
}
THROWAWAY_SETTINGS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class Postgres:
    name = "PostgreSQL"

    def __init__(
        self, state: State, home: Path, programs: Path, user: pwd.struct_passwd | None, *, throwaway: bool = False
    ) -> None:
        self._state = state
        self._bin = programs / POSTGRES_PROGRAMS / "bin"
        self._user = user
        self._throwaway = throwaway
        self._data = home / "postgres"

    def end_orphan(self) -> None:
        """PostgreSQL trusts any live process with the recorded number; after a crash that can be an unrelated one."""
        end_orphan(self.name, self._data / "postmaster.pid", f" -D {self._data} ", signal.SIGINT)

    def start(self, log: IO[bytes]) -> Child:
        """Start it and wait until it answers; make the cluster, role and database that are missing."""
        if not self._data.exists():
            self._create_cluster()
        settings = SETTINGS | (THROWAWAY_SETTINGS if self._throwaway else {}) | {"port": str(self._state.postgres_port)}
        child = Child(
            self.name,
            [self._bin / "postgres", "-D", self._data, *(f"--{name}={value}" for name, value in settings.items())],
            stop_signal=signal.SIGINT,
            user=self._user,
            directory=self._data,
            log=log,
        )
        try:
            self._wait_until_ready(child)
            self._create_role_and_database()
        except BaseException:
            child.stop(within=5)
            raise
        return child

    def _create_cluster(self) -> None:
        unfinished = self._data.with_name("postgres.new")
        shutil.rmtree(unfinished, ignore_errors=True)
        make_directory(unfinished, 0o700, self._user)
        with tempfile.NamedTemporaryFile("w", dir=unfinished.parent, prefix="initdb-") as password:
            password.write(self._state.postgres_superuser_password)
            password.flush()
            if self._user is not None:
                os.chown(password.name, self._user.pw_uid, self._user.pw_gid)
            result = subprocess.run(
                [
                    *(self._bin / "initdb", "-D", unfinished, "-U", "postgres", f"--pwfile={password.name}"),
                    *("--auth=scram-sha-256", "--encoding=UTF8", "--locale-provider=builtin"),
                    *("--builtin-locale=C.UTF-8", "--locale=C"),
                    *(["--no-sync"] if self._throwaway else []),
                ],
                capture_output=True,
                text=True,
                cwd=unfinished,
                env=BARE_ENVIRONMENT,
                **identity(self._user),
            )
        if result.returncode:
            raise ServerError(f"Cannot create the database cluster: {_last_line(result.stderr)}")
        unfinished.rename(self._data)

    def _wait_until_ready(self, child: Child) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while True:
            try:
                self._connect("postgres").close()
                return
            except psycopg.OperationalError as error:
                if child.exit_code is not None:
                    raise EndedEarlyError(
                        "PostgreSQL ended while it started: see postgresql.log in the data directory."
                    ) from error
                if time.monotonic() > deadline:
                    raise ServerError(
                        f"PostgreSQL is not ready after {READY_SECONDS:.0f} s: see postgresql.log."
                    ) from error
            time.sleep(0.03)

    def _create_role_and_database(self) -> None:
        name = sql.Identifier("aistrale")
        password = sql.Literal(self._state.postgres_password)
        # Test runs create databases of their own.
        creates = sql.SQL("CREATEDB" if self._throwaway else "NOCREATEDB")
        with self._connect("postgres") as connection:
            if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = 'aistrale'").fetchone():
                connection.execute(sql.SQL("CREATE ROLE {} LOGIN {} PASSWORD {}").format(name, creates, password))
            known = connection.execute("SELECT 1 FROM pg_database WHERE datname = 'aistrale'").fetchone()
        if known:
            return
        # Only a superuser may create the extension; every database made from the template has it.
        with self._connect("template1") as connection:
            connection.execute("CREATE EXTENSION IF NOT EXISTS vector")
        with self._connect("postgres") as connection:
            connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(name, name))

    def _connect(self, database: str) -> psycopg.Connection[tuple[object, ...]]:
        return psycopg.connect(
            host="127.0.0.1",
            port=self._state.postgres_port,
            user="postgres",
            password=self._state.postgres_superuser_password,
            dbname=database,
            connect_timeout=5,
            autocommit=True,
        )


def _last_line(text: str) -> str:
    return (text.strip().splitlines() or ["no message"])[-1]
