"""Several web processes and workers behind a real nginx, with one PostgreSQL and one Valkey, on ports of loopback."""

from __future__ import annotations

import json
import os
import re
import signal
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread
from typing import Any
from uuid import uuid4

import httpx2
import psycopg
from websockets.exceptions import WebSocketException
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

from aistrale.embedded import Child
from aistrale.embedded.state import free_port
from aistrale.tests.end_to_end.browser import ADMIN, PASSWORD, Site, add_administrator, log_in_by_http, redis_url
from aistrale.tests.end_to_end.nginx import running_nginx
from aistrale.tests.end_to_end.prepared import prepared_database
from aistrale.tests.invariants import problems_of_site
from aistrale.tests.processes import MANAGE, drop, wait_until

WEBS, WORKERS = 3, 2


@dataclass
class Process:
    """A web process or worker that can be killed and started again. What it prints is read and dropped."""

    name: str
    command: list[str]
    environment: dict[str, str]
    child: Child = field(init=False)

    def start(self) -> None:
        self.child = Child(self.name, [sys.executable, str(MANAGE), *self.command], environment=self.environment)
        Thread(target=drop, args=[self.child.output], daemon=True).start()

    def kill(self) -> None:
        os.kill(self.child.pid, signal.SIGKILL)
        self.stop()

    def stop(self) -> None:
        self.child.stop(within=60)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.environment['PORT']}"

    def is_ready(self) -> bool:
        with suppress(httpx2.TransportError):
            return httpx2.get(f"{self.url}/health/ready", timeout=10).status_code == 200
        return False


@dataclass
class Cluster:
    """``url`` is that of nginx. The administrator is ADMIN with PASSWORD, and has these ``cookies``."""

    url: str
    webs: list[Process]
    workers: list[Process]
    environment: dict[str, str]
    cookies: dict[str, str] = field(default_factory=dict)

    def rows(self, query: str, *values: object) -> list[Any]:
        with psycopg.connect(self.environment["DATABASE_URL"]) as connection:
            cursor = connection.execute(query.encode(), values)
            return cursor.fetchall() if cursor.description else []

    def get(self, path: str, *, by: Process | None = None, cookies: dict[str, str] | None = None) -> httpx2.Response:
        """Of a page, by way of nginx or straight from one web process."""
        given = self.cookies if cookies is None else cookies
        return httpx2.get(f"{by.url if by else self.url}{path}", cookies=given, timeout=60)

    @contextmanager
    def socket(self, path: str, *, by: Process | None = None) -> Iterator[ClientConnection]:
        cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        url = (by.url if by else self.url).replace("http", "ws") + path
        with connect(url, additional_headers={"Cookie": cookie}, origin=Origin(self.url), open_timeout=60) as socket:
            yield socket

    def new_chat(self) -> str:
        """The path of the socket of a new conversation."""
        found = re.search(r'ws-connect="([^"]+)"', self.get("/chat/").text)
        assert found is not None
        return found[1]

    def problems(self) -> list[str]:
        return problems_of_site(self.environment, [PASSWORD])


@contextmanager
def running_cluster(directory: Path, **environment: str) -> Iterator[Cluster]:
    """``environment`` adds to the settings of all its processes."""
    with prepared_database(directory) as database_url, ExitStack() as stack:
        port = free_port()
        variables = os.environ | {
            "DATABASE_URL": database_url,
            "REDIS_URL": redis_url(),
            "AISTRALE_DATA_DIR": str(directory),
            "AISTRALE_PUBLIC_URL": f"http://127.0.0.1:{port}",
            "AISTRALE_BEHIND_PROXY": "true",
            "AISTRALE_DATABASE_POOL": "10",
            **environment,
        }
        webs = [_process("Web process", ["serve"], variables) for _ in range(WEBS)]
        workers = [_process("Worker", ["worker"], variables) for _ in range(WORKERS)]
        for process in (*webs, *workers):
            process.start()
            stack.callback(lambda process: process.stop(), process)
        for web in webs:
            wait_until(web.is_ready, 120)
        url = stack.enter_context(running_nginx(directory / "nginx", [web.url for web in webs], port=port))
        cluster = Cluster(url, webs, workers, variables)
        add_administrator(Site(url, None, variables, webs[0].child))
        cluster.cookies = log_in_by_http(url, ADMIN)
        yield cluster


def _process(name: str, command: list[str], variables: dict[str, str]) -> Process:
    return Process(name, command, variables | {"PORT": str(free_port()), "AISTRALE_WORKER_PORT": str(free_port())})


def question(*, words: int, delay_ms: int = 20, text: str = "Hi") -> str:
    """The message by which a page asks the sandbox for an answer of so many words."""
    message = {"type": "run", "text": text, "provider": "echo", "model": "echo", "client_id": str(uuid4())}
    return json.dumps(message | {"param-delay_ms": str(delay_ms), "param-length": str(words)})


class Watcher(Thread):
    """A page that has asked something and takes what comes, until its end or that of the connection."""

    def __init__(self, cluster: Cluster, path: str, web: Process, *, words: int, delay_ms: int) -> None:
        super().__init__(daemon=True)
        self._cluster, self._path, self.web = cluster, path, web
        self._question = question(words=words, delay_ms=delay_ms)
        self.received = ""

    def run(self) -> None:
        with suppress(WebSocketException, OSError), self._cluster.socket(self._path, by=self.web) as socket:
            socket.send(self._question)
            while not self.has_ended:
                self.received += str(socket.recv(60))

    @property
    def has_begun(self) -> bool:
        return 'id="tail-' in self.received

    @property
    def has_ended(self) -> bool:
        return re.search(r'data-status="(?!running)', self.received) is not None
