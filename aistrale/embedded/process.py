"""Child processes that never outlive us."""

from __future__ import annotations

import contextlib
import os
import pwd
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, TypedDict

ORPHAN_SECONDS = 15.0

# A server needs none of our environment, which holds keys.
BARE_ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}

# Waits for the end of its standard input, whose other end only we hold: it ends when we do, however that happens.
_GUARD = 'read -r _; kill -"$1" "$2" 2>/dev/null'


class ServerError(Exception):
    """An embedded server cannot start; the message is one line that also says what to do. It holds no secret."""


class EndedEarlyError(ServerError):
    """The server's process ended before it was ready."""


def unprivileged_user() -> pwd.struct_passwd | None:
    """The account that servers run as when we are root (PostgreSQL refuses to run as root); None: our own."""
    return pwd.getpwnam("nobody") if os.geteuid() == 0 else None


class Identity(TypedDict, total=False):
    user: int
    group: int
    extra_groups: list[int]


def identity(user: pwd.struct_passwd | None) -> Identity:
    """The keyword arguments by which `subprocess` starts something as ``user``."""
    return {} if user is None else {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def command_of(pid: int) -> str:
    """The command line of a running process; '' when there is none or it is a zombie."""
    proc = Path("/proc")
    if (proc / "self").exists():
        try:
            return (proc / str(pid) / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
        except OSError:
            return ""
    listing = subprocess.run(["/bin/ps", "-o", "stat=,command=", "-p", str(pid)], capture_output=True, text=True)
    state, _, command = listing.stdout.strip().partition(" ")
    return "" if state.startswith("Z") else command.strip()


def end_orphan(name: str, pid_file: Path, mark: str, stop_signal: signal.Signals) -> None:
    """Stop the server that an earlier run left behind, and remove its pid file.

    The recorded number counts only if the command line of that process contains ``mark``.
    """
    try:
        pid = int(pid_file.read_text().split()[0])
    except (FileNotFoundError, IndexError, ValueError):
        return
    deadline = time.monotonic() + ORPHAN_SECONDS
    if mark in f"{command_of(pid)} ":
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, stop_signal)
    while mark in f"{command_of(pid)} ":
        if time.monotonic() > deadline:
            raise ServerError(f"{name} of an earlier run (process {pid}) does not stop: end it and try again.")
        time.sleep(0.05)
    pid_file.unlink(missing_ok=True)


class Child:
    """A process that is stopped by ``stop_signal`` when we stop it, and also when we die without having done so.

    It has a session of its own: Ctrl+C in the terminal reaches us alone, and we stop the children in order.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str | Path],
        *,
        stop_signal: signal.Signals = signal.SIGTERM,
        user: pwd.struct_passwd | None = None,
        environment: Mapping[str, str] = BARE_ENVIRONMENT,
        directory: Path | None = None,
        stdin: bytes | None = None,
        waits: bool = False,
        log: IO[bytes] | None = None,
    ) -> None:
        """Its output goes to ``log``. Without one its standard error is ours, and its standard output is read from
        ``output``, which somebody must do. One that ``waits`` for a line of input gets it from `proceed`."""
        self.name = name
        self.stop_signal = stop_signal
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE if waits or stdin is not None else subprocess.DEVNULL,
            stdout=log or subprocess.PIPE,
            stderr=log,
            cwd=directory,
            env=environment,
            start_new_session=True,
            **identity(user),
        )
        self._guard = self._new_guard()
        if stdin is not None:
            self._write(stdin)

    def _new_guard(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            ["/bin/sh", "-c", _GUARD, "guard", self.stop_signal.name.removeprefix("SIG"), str(self.pid)],
            stdin=subprocess.PIPE,
            start_new_session=True,
        )

    def keep_guarded(self) -> None:
        """See to it that it ends with us, also when what was to see to it has been killed."""
        if self._guard.poll() is not None:
            self._guard.communicate()
            self._guard = self._new_guard()

    def proceed(self) -> None:
        """What it waited for has come."""
        self._write(b"\n")

    def _write(self, data: bytes) -> None:
        """Harmless when it has already ended."""
        if self._process.stdin:
            with contextlib.suppress(BrokenPipeError), self._process.stdin as pipe:
                pipe.write(data)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs; negative for the signal that ended it."""
        return self._process.poll()

    @property
    def output(self) -> IO[bytes]:
        if self._process.stdout is None:
            raise ValueError(f"{self.name} writes to a log.")
        return self._process.stdout

    def wait_until(self, answers: Callable[[], bool], *, within: float) -> None:
        """Raises EndedEarlyError when it ends meanwhile, and ServerError when it takes too long."""
        deadline, log = time.monotonic() + within, f"{self.name.lower()}.log"
        while not answers():
            if self.exit_code is not None:
                raise EndedEarlyError(f"{self.name} ended while it started: see {log} in the data directory.")
            if time.monotonic() > deadline:
                raise ServerError(f"{self.name} is not ready after {within:.0f} s: see {log}.")
            time.sleep(0.03)

    def ask_to_stop(self) -> None:
        if self.exit_code is None:
            self._process.send_signal(self.stop_signal)

    def stop(self, *, within: float) -> None:
        """Ask it to stop and wait; kill it after ``within`` seconds. Harmless when it has already ended."""
        self.ask_to_stop()
        try:
            self._process.wait(within)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._guard.kill()
        self._guard.communicate()
