"""The embedded PostgreSQL: one cluster, one database `aistrale` owned by the role `aistrale`, TCP on 127.0.0.1 only."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path
from typing import IO

from aistrale.embedded.paths import POSTGRES_PROGRAMS, make_directory
from aistrale.embedded.process import BARE_ENVIRONMENT, Child, ServerError, end_orphan, identity
from aistrale.embedded.state import State

READY_SECONDS = 120.0  # Crash recovery replays the log first.
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
            from aistrale.embedded import cluster  # psycopg takes long to import, and nothing else has to wait for it.

            child.wait_until(lambda: cluster.answers(self._state), within=READY_SECONDS)
            cluster.create_role_and_database(self._state, may_create_databases=self._throwaway)
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


def _last_line(text: str) -> str:
    return (text.strip().splitlines() or ["no message"])[-1]
