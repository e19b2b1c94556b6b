"""Everything that runs for one installation, as one: what starts together stops together, in order."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import FrameType
from typing import TypedDict

from django.conf import settings

from aistrale import keyfiles
from aistrale.disk import full_disk
from aistrale.embedded import Child, DataDirectory, Servers
from aistrale.restarts import Crashed, Part
from audit import checkpoint

MANAGE = settings.BASE_DIR / "manage.py"
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
WATCH_SECONDS = 0.2
WEB_READY_SECONDS = 60.0
# On top of the time that runs get to end.
WEB_STOP_SECONDS = 15.0
# More than it gives to the jobs that it does.
WORKER_STOP_SECONDS = 10.0


class StartRefused(Exception):
    """What is wrong and what to do, in one line; nothing was changed."""


class Report(TypedDict):
    master_key: str | None
    static_files: bool
    setup_link: str | None


class Supervisor:
    """Runs until Ctrl+C, SIGTERM or SIGHUP (returns), or until a part ends again and again (raises Crashed)."""

    def __init__(self, write: Callable[[str], object]) -> None:
        self._write = write
        self._servers = Servers(settings.DATA_DIR, postgres=settings.EMBEDDED_POSTGRES, valkey=settings.EMBEDDED_REDIS)
        self._web: Child | None = None
        self._worker: Child | None = None

    def run(self) -> None:
        # SIGINT too: a shell starts what it runs in the background with that one ignored.
        for number in STOP_SIGNALS:
            signal.signal(number, _interrupt)
        check_port(settings.HOST, settings.PORT)
        check_given_servers()
        directory = DataDirectory(settings.DATA_DIR)
        try:
            self._watch(*self._start())
        except KeyboardInterrupt:
            self._say("Stopping.")
        finally:
            self._stop()
            directory.release()

    def _start(self) -> tuple[Child, Child]:
        """The web server, which answers by then, and the worker."""
        if not keyfiles.has_secret_key():
            keyfiles.create_secret_key(settings.DATA_DIR)
        # A lost audit key is not replaced silently: nobody could tell any more whether old checkpoints are right.
        if not settings.AUDIT_KEYS and not checkpoint.files(settings.CHECKPOINT_DIR):
            keyfiles.create_audit_key(settings.DATA_DIR)
        self._servers.reserve()
        # Only for a new database, which holds nothing that a lost master key has sealed. `prepare` sees to the others.
        if settings.EMBEDDED_POSTGRES and not settings.DATABASE_URL and not settings.MASTER_KEYS:
            self._say(_created(keyfiles.create_master_key(settings.DATA_DIR)))
        self._say("Starting the servers.")
        # A process of its own: this one read its settings before the servers had an address. It starts before them,
        # since it takes longest.
        alone = ["--alone"] if settings.EMBEDDED_POSTGRES else []
        command = [sys.executable, str(MANAGE), "prepare", "--wait", "--serve", *alone]
        self._web = Child("The web server", command, environment=os.environ, waits=True)
        self._servers.start()
        self._web.proceed()
        report = self._report(self._web)
        self._wait_for_web(self._web)
        # Only now: its start takes a second of the processor, and pages do without it.
        worker = self._start_worker()
        for line in _news(report):
            self._say(line)
        return self._web, worker

    def _say(self, line: str) -> None:
        """A full disk or a closed terminal must stop nothing."""
        with contextlib.suppress(OSError):
            self._write(line)

    def _report(self, web: Child) -> Report:
        """Passes on how far its preparation is, until it says that it has ended."""
        for line in web.output:
            if line.startswith(b"{"):
                self._keep_passing_on(web)
                report: Report = json.loads(line)
                return report
            self._pass_on([line])
        raise SystemExit(1)  # it has said why

    def _keep_passing_on(self, child: Child) -> None:
        """Whatever else it prints must not fill the pipe."""
        threading.Thread(target=self._pass_on, args=[child.output], daemon=True).start()

    def _pass_on(self, lines: Iterable[bytes]) -> None:
        for line in lines:
            self._say(line.decode(errors="replace").rstrip())

    def _wait_for_web(self, web: Child) -> None:
        deadline = time.monotonic() + WEB_READY_SECONDS
        while not _answers(settings.HOST, settings.PORT):
            self._raise_if_ended(web)
            if time.monotonic() > deadline:
                raise Crashed(f"{web.name} does not answer after {WEB_READY_SECONDS:.0f} s.")
            time.sleep(0.05)

    def _watch(self, web: Child, worker: Child) -> None:
        servers = [Part(child, self._servers.restart) for child in self._servers.children]
        web_part = Part(web, self._restart_web)
        worker_part = Part(worker, self._restart_worker, is_vital=False)
        full: Path | None = None
        while True:
            was_full, full = full, full_disk()
            if full != was_full:
                self._say(f"The disk of {full} is full: make room." if full else "There is room on the disk again.")
            # Without room they would only end again.
            for server in servers:
                server.poll(self._say, may_start=not full)
            web_part.poll(self._say)
            worker_part.poll(self._say, may_start=not full)
            time.sleep(WATCH_SECONDS)

    def _restart_web(self, ended: Child) -> Child:
        ended.stop(within=0)
        command = [sys.executable, str(MANAGE), "serve", "--verbosity", "0"]
        self._web = Child(ended.name, command, environment=os.environ)
        self._keep_passing_on(self._web)
        return self._web

    def _start_worker(self) -> Child:
        self._worker = Child("The worker", [sys.executable, str(MANAGE), "worker"], environment=os.environ)
        self._keep_passing_on(self._worker)
        return self._worker

    def _restart_worker(self, ended: Child) -> Child:
        ended.stop(within=0)
        return self._start_worker()

    def _raise_if_ended(self, web: Child) -> None:
        for child in (*self._servers.children, web):
            if child.exit_code is not None:
                raise Crashed(f"{child.name} ended while everything started (exit code {child.exit_code}).")

    def _stop(self) -> None:
        for number in STOP_SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        if self._worker:
            self._worker.ask_to_stop()
        if self._web:
            self._web.stop(within=settings.RUN_DRAIN_SECONDS + WEB_STOP_SECONDS)
        if self._worker:
            self._worker.stop(within=WORKER_STOP_SECONDS)
        self._servers.stop()


def check_port(host: str, port: int) -> None:
    try:
        socket.create_server((host, port)).close()
    except OSError as error:
        raise StartRefused(
            f"Cannot listen on {host}:{port} ({os.strerror(error.errno or 0)}): stop what uses it, or set PORT."
        ) from error


def check_given_servers() -> None:
    """Raises StartRefused when DATABASE_URL or REDIS_URL names a server that cannot be used."""
    if settings.EMBEDDED_POSTGRES and settings.EMBEDDED_REDIS:
        return
    from aistrale import connectivity  # The drivers take long to import, and most starts have no use for them here.

    try:
        if not settings.EMBEDDED_POSTGRES:
            connectivity.postgres_version()
            connectivity.pgvector_version()
        if not settings.EMBEDDED_REDIS:
            connectivity.redis_version()
    except connectivity.OutOfReach as error:
        raise StartRefused(str(error)) from error


def _news(report: Report) -> Iterator[str]:
    if report["master_key"]:
        yield _created(report["master_key"])
    yield f"AISTRALE is ready at {settings.PUBLIC_URL}"
    if report["setup_link"]:
        yield f"Set up the first administrator within the hour: {report['setup_link']}"


def _created(master_key: str) -> str:
    return f"Created the master key {master_key}: keep a copy of {settings.DATA_DIR} in a safe place."


def _answers(host: str, port: int) -> bool:
    connection = http.client.HTTPConnection(host, port, timeout=5)
    try:
        connection.request("GET", "/health/live")
        return connection.getresponse().status < 500
    except OSError:
        return False
    finally:
        connection.close()


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
