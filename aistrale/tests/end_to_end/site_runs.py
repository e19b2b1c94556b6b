"""Runs on a site, seen from outside: a page's socket, and what the database has of them."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import httpx2
import psycopg
from psycopg import sql
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

from aistrale.tests.end_to_end.browser import ADMIN, Site, log_in_by_http

STARTED = 'id="tail-'


def generation(site: Site) -> tuple[Any, ...] | None:
    """Status, text and error type of the newest run; while it goes on, the text that was saved so far."""
    with psycopg.connect(site.environment["DATABASE_URL"]) as connection:
        return connection.execute(
            "SELECT status, CASE status WHEN 'running' THEN response_text ELSE text END, error_type"
            " FROM telemetry_generation g JOIN inference_message m ON m.generation_id = g.id"
            " JOIN telemetry_generationcontent c ON c.generation_id = g.id ORDER BY g.started_at DESC"
        ).fetchone()


def until(condition: Callable[[], Any], *, within: float = 30.0) -> Any:
    deadline = time.monotonic() + within
    while not (result := condition()):
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(0.1)
    return result


def ended(site: Site) -> tuple[Any, ...]:
    """The same as ``generation``, once the run has ended."""
    row: tuple[Any, ...] = until(lambda: (row := generation(site)) and row[0] != "running" and row)
    return row


@contextmanager
def chat_socket(site: Site, cookies: dict[str, str] | None = None) -> Iterator[ClientConnection]:
    """That of a new conversation's page, of whoever has the cookies, or of ADMIN."""
    cookies = cookies or log_in_by_http(site.url, ADMIN)
    found = re.search(r'ws-connect="([^"]+)"', httpx2.get(f"{site.url}/chat/", cookies=cookies).text)
    assert found is not None
    cookie = "; ".join(f"{name}={value}" for name, value in cookies.items())
    url = site.url.replace("http", "ws") + found[1]
    with connect(url, additional_headers={"Cookie": cookie}, origin=Origin(site.url)) as socket:
        yield socket


def ask(
    socket: ClientConnection,
    *,
    until_text: str,
    text: str = "Hi",
    length: int = 2000,
    provider: str = "echo",
    model: str = "echo",
) -> str:
    """Send a question that the sandbox answers at 50 words a second; returns what came until ``until_text``."""
    message = {"type": "run", "text": text, "provider": provider, "model": model, "client_id": str(uuid4())}
    pace = {"param-delay_ms": "20", "param-length": str(length)} if provider == "echo" else {}
    socket.send(json.dumps(message | pace))
    received = ""
    while until_text not in received:
        received += str(socket.recv(10))
    return received


@contextmanager
def streaming(site: Site, *, length: int = 2000) -> Iterator[ClientConnection]:
    """A page's socket on which an answer of ``length`` words has begun."""
    with chat_socket(site) as socket:
        ask(socket, until_text=STARTED, length=length)
        yield socket


@contextmanager
def database_away(site: Site) -> Iterator[None]:
    """All connections to the database of the site are cut, and it takes no new ones."""
    name = sql.Identifier(urlsplit(site.environment["DATABASE_URL"]).path.removeprefix("/"))
    switch = sql.SQL("ALTER DATABASE {} WITH ALLOW_CONNECTIONS {}")
    cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s"
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
        connection.execute(switch.format(name, sql.SQL("false")))
        connection.execute(cut, [name.as_string().strip('"')])
        try:
            yield
        finally:
            connection.execute(switch.format(name, sql.SQL("true")))
