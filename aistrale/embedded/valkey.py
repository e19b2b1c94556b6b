"""The embedded Valkey: append-only file on, password, TCP on 127.0.0.1 only."""

from __future__ import annotations

import pwd
import signal
from pathlib import Path
from typing import IO

from aistrale.embedded.paths import make_directory, valkey_program
from aistrale.embedded.process import Child, end_orphan
from aistrale.embedded.state import State

READY_SECONDS = 60.0  # it loads its data first


class Valkey:
    name = "Valkey"

    def __init__(
        self, state: State, home: Path, programs: Path, user: pwd.struct_passwd | None, *, throwaway: bool = False
    ) -> None:
        self._state = state
        self._program = valkey_program(programs)
        self._user = user
        self._throwaway = throwaway
        self._data = home / "valkey"

    def end_orphan(self) -> None:
        """Two servers on one directory would corrupt its data, and the second would start without a word."""
        title = f"valkey-server 127.0.0.1:{self._state.redis_port} "
        end_orphan(self.name, self._data / "valkey.pid", title, signal.SIGTERM)

    def start(self, log: IO[bytes]) -> Child:
        """Start it and wait until it answers."""
        make_directory(self._data, 0o700, self._user)
        # Its configuration comes by standard input: a password in the arguments would show in the process list.
        child = Child(
            self.name,
            [self._program, "-"],
            stop_signal=signal.SIGTERM,
            user=self._user,
            directory=self._data,
            stdin=self._configuration().encode(),
            log=log,
        )
        try:
            self._wait_until_ready(child)
        except BaseException:
            child.stop(within=5)
            raise
        return child

    def _configuration(self) -> str:
        return "\n".join(
            [
                "bind 127.0.0.1",
                "protected-mode yes",
                f"port {self._state.redis_port}",
                f"requirepass {self._state.redis_password}",
                f'dir "{self._data}"',
                f'pidfile "{self._data / "valkey.pid"}"',
                f"appendonly {'no' if self._throwaway else 'yes'}",
                'save ""',
                "databases 64",
                "daemonize no",
                "loglevel warning",
                "",
            ]
        )

    def _wait_until_ready(self, child: Child) -> None:
        import redis  # It takes long to import, and nothing else has to wait for it.

        client = redis.Redis(
            host="127.0.0.1",
            port=self._state.redis_port,
            password=self._state.redis_password,
            socket_connect_timeout=2,
            socket_timeout=5,
        )

        def answers() -> bool:
            try:
                with client:
                    return bool(client.ping())
            except (redis.ConnectionError, redis.TimeoutError):  # BusyLoadingError is a ConnectionError
                return False

        child.wait_until(answers, within=READY_SECONDS)
