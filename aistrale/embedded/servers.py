"""Both servers of one data directory, and the lock that keeps a second process away from it."""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import os
import pwd
import time
from pathlib import Path
from typing import IO

from aistrale.embedded import state as states
from aistrale.embedded.paths import data_home, make_directory, programs_home
from aistrale.embedded.postgres import Postgres
from aistrale.embedded.process import Child, EndedEarlyError, ServerError, unprivileged_user
from aistrale.embedded.state import State
from aistrale.embedded.valkey import Valkey

LOG_BYTES = 5_000_000
ATTEMPTS = 3
ATTEMPT_PAUSE_SECONDS = 0.5
STOP_SECONDS = 30.0
LOCK_SECONDS = 2.0


def database_url(data_dir: Path) -> str:
    state = states.load(data_dir)
    return f"postgres://aistrale:{state.postgres_password}@127.0.0.1:{state.postgres_port}/aistrale" if state else ""


def redis_url(data_dir: Path) -> str:
    state = states.load(data_dir)
    return f"redis://:{state.redis_password}@127.0.0.1:{state.redis_port}/0" if state else ""


def servers_home(data_dir: Path) -> Path:
    """The directory that holds the data of the servers."""
    state = states.load(data_dir)
    return Path(state.elsewhere) if state and state.elsewhere else data_dir


class DataDirectory:
    """The data directory while it is ours: created, writable and locked.

    Raises ServerError when it cannot be written or another process has it.
    """

    def __init__(self, path: Path) -> None:
        # Root's servers run as someone else, who must pass through.
        self.path = make_directory(path, 0o711 if os.geteuid() == 0 else 0o700)
        self._lock = self._take_lock()

    def release(self) -> None:
        self._lock.close()

    def _take_lock(self) -> IO[str]:
        try:
            lock = (self.path / "lock").open("a+")
        except OSError as error:
            raise ServerError(
                f"Cannot write to {self.path} ({error.strerror}): make it writable or set AISTRALE_DATA_DIR."
            ) from error
        deadline = time.monotonic() + LOCK_SECONDS
        while not _takes(lock):
            if time.monotonic() > deadline:
                lock.seek(0)
                holder = lock.read().strip()
                lock.close()
                raise ServerError(
                    f"{self.path} is used by another process ({holder}): stop it or set AISTRALE_DATA_DIR."
                )
            time.sleep(0.1)
        with contextlib.suppress(OSError):  # A full disk: the lock holds all the same, only without a name.
            lock.truncate(0)
            lock.write(str(os.getpid()))
            lock.flush()
        return lock


class Servers:
    """PostgreSQL and Valkey of one data directory. ``throwaway`` trades durability for speed (tests)."""

    def __init__(self, data_dir: Path, *, postgres: bool = True, valkey: bool = True, throwaway: bool = False) -> None:
        self._data_dir = data_dir
        self._postgres = postgres
        self._valkey = valkey
        self._throwaway = throwaway
        self._reserved: list[Postgres | Valkey] = []
        self.children: list[Child] = []

    def reserve(self) -> None:
        """Settle on ports and passwords: from now on `database_url` and `redis_url` tell where the servers will be.

        Raises ServerError. The caller holds the directory.
        """
        user = unprivileged_user()
        programs = programs_home(user)
        state = self._recall(user)
        home = Path(state.elsewhere or self._data_dir)
        Postgres(state, home, programs, user).end_orphan()
        Valkey(state, home, programs, user).end_orphan()
        state = self._with_free_ports(state)
        self._reserved = [
            *([Postgres(state, home, programs, user, throwaway=self._throwaway)] if self._postgres else []),
            *([Valkey(state, home, programs, user, throwaway=self._throwaway)] if self._valkey else []),
        ]

    def start(self) -> None:
        """Returns when both answer. Raises ServerError; then nothing of ours runs. The caller holds the directory."""
        if not self._reserved:
            self.reserve()
        try:
            for server in self._reserved:
                with self._log(server.name) as log:
                    self.children.append(_start(server, log))
        except BaseException:
            self.stop()
            raise

    def restart(self, ended: Child) -> Child:
        """Start a server again, with the same address, whose process has ended by itself. Raises ServerError, OSError.

        PostgreSQL looks by itself, by the pid file, whether something is left of its predecessor.
        """
        ended.stop(within=0)
        [server] = [server for server in self._reserved if server.name == ended.name]
        with self._log(server.name) as log:
            child = _start(server, log)
        self.children[self.children.index(ended)] = child
        return child

    def stop(self) -> None:
        self._reserved = []
        while self.children:
            self.children.pop().stop(within=STOP_SECONDS)

    def _recall(self, user: pwd.struct_passwd | None) -> State:
        state = states.load(self._data_dir)
        if state is not None:
            return state
        if (self._data_dir / "postgres").exists():
            raise ServerError(
                f"{self._data_dir / 'postgres'} exists but {self._data_dir / states.FILE_NAME} does not: "
                "restore that file from a backup, or move the data away to start anew."
            )
        home = data_home(self._data_dir, user)
        return State(
            elsewhere=None if home == self._data_dir else str(home),
            postgres_port=states.free_port(),
            redis_port=states.free_port(),
        )

    def _with_free_ports(self, state: State) -> State:
        """Ports stay the same from start to start unless another program has taken one."""
        if not states.is_free(state.postgres_port):
            state = dataclasses.replace(state, postgres_port=states.free_port())
        if not states.is_free(state.redis_port):
            state = dataclasses.replace(state, redis_port=states.free_port())
        if state != states.load(self._data_dir):
            states.save(self._data_dir, state)
        return state

    def _log(self, name: str) -> IO[bytes]:
        path = self._data_dir / f"{name.lower()}.log"
        if path.exists() and path.stat().st_size > LOG_BYTES:
            path.rename(path.with_suffix(".log.1"))
        return open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab")


def _start(server: Postgres | Valkey, log: IO[bytes]) -> Child:
    """A killed server can still be dying when its successor starts, which then gives up; so try more than once."""
    for _ in range(ATTEMPTS - 1):
        with contextlib.suppress(EndedEarlyError):
            return server.start(log)
        time.sleep(ATTEMPT_PAUSE_SECONDS)
    return server.start(log)


def _takes(lock: IO[str]) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
