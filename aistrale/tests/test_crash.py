"""What is left of a run when its server dies, and when it is told to stop."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any
from uuid import uuid4

import httpx2
import psycopg
import pytest
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

from aistrale.tests.browser import ADMIN, PASSWORD, Site, add_administrator, running_site
from aistrale.tests.processes import MANAGE
from aistrale.tests.soundness import problems_of_site

QUESTION = [
    *("ask", "--user", ADMIN, "--provider", "echo", "--model", "echo"),
    "Say something long, please. " * 60,
]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with running_site(tmp_path) as site:
        add_administrator(site)
        yield site


def ask(site: Site) -> subprocess.Popen[bytes]:
    """A run in a process of its own, along the same path as a page's."""
    return subprocess.Popen([sys.executable, MANAGE, *QUESTION], env=site.environment, stdout=subprocess.PIPE)


def generation(site: Site) -> tuple[Any, ...] | None:
    with psycopg.connect(site.environment["DATABASE_URL"]) as connection:
        return connection.execute(
            "SELECT status, text, error_type FROM telemetry_generation g"
            " JOIN inference_message m ON m.generation_id = g.id"
        ).fetchone()


def until(condition: Callable[[], Any], *, within: float = 30.0) -> Any:
    deadline = time.monotonic() + within
    while not (result := condition()):
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(0.1)
    return result


def saved_text(site: Site) -> str | None:
    row = generation(site)
    return row[1] if row else None


def test_it_keeps_the_text_of_a_run_whose_process_is_killed(site: Site) -> None:
    process = ask(site)
    until(lambda: saved_text(site))
    process.send_signal(signal.SIGKILL)
    process.communicate()
    kept = saved_text(site)
    status, text, error_type = until(lambda: (row := generation(site)) and row[0] != "running" and row)

    assert (status, error_type) == ("interrupted", "interrupted")
    assert text == kept


def test_it_loses_at_most_two_seconds_of_text(site: Site) -> None:
    process = ask(site)
    assert process.stdout is not None
    received = b""
    until(lambda: saved_text(site))
    os.set_blocking(process.stdout.fileno(), False)
    deadline = time.monotonic() + 3
    two_seconds_ago = b""
    while time.monotonic() < deadline:
        received += process.stdout.read() or b""
        if time.monotonic() < deadline - 2:
            two_seconds_ago = received
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.communicate()

    assert (saved_text(site) or "").startswith(two_seconds_ago.decode().rstrip("\n"))


def test_it_saves_and_names_what_a_stop_signal_interrupts(site: Site) -> None:
    process = ask(site)
    until(lambda: saved_text(site))
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=20)
    row = generation(site)

    assert process.returncode == 1
    assert row is not None and row[0] == "stopped" and row[1]


@pytest.mark.fault
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_it_leaves_everything_sound(site: Site, number: signal.Signals, chance: Random) -> None:
    """F1 and F2, at some moment of an answer."""
    process = ask(site)
    until(lambda: saved_text(site))
    time.sleep(chance.uniform(0, 1))
    process.send_signal(number)
    process.communicate(timeout=20)
    until(lambda: (row := generation(site)) and row[0] != "running")

    assert problems_of_site(site.environment, [PASSWORD]) == []


@contextmanager
def streaming(site: Site) -> Iterator[ClientConnection]:
    """A page's socket on which an endless answer has begun."""
    with httpx2.Client(base_url=site.url, headers={"Origin": site.url}, follow_redirects=True) as client:
        form = client.get("/login/").text
        fields = dict(re.findall(r'name="(csrfmiddlewaretoken)" value="([^"]+)"', form))
        client.post("/login/", data=fields | {"login": ADMIN, "password": PASSWORD})
        found = re.search(r'ws-connect="([^"]+)"', client.get("/chat/").text)
        assert found is not None
        cookie = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
    message = {"type": "run", "text": "Hi", "provider": "echo", "model": "echo", "client_id": str(uuid4())}
    message |= {"param-delay_ms": "20", "param-length": "2000"}
    url = site.url.replace("http", "ws") + found[1]
    with connect(url, additional_headers={"Cookie": cookie}, origin=Origin(site.url)) as socket:
        socket.send(json.dumps(message))
        until(lambda: 'id="tail-' in str(socket.recv(10)))
        yield socket


def test_it_saves_what_is_streaming_when_the_server_is_stopped(tmp_path: Path) -> None:
    with running_site(tmp_path, AISTRALE_RUN_DRAIN_SECONDS="0.2") as site:
        add_administrator(site)
        with streaming(site):
            site.server.stop(within=15)
        row = generation(site)

    assert row is not None and row[0] == "interrupted" and row[1]


def test_it_stops_a_run_after_the_last_tab_is_closed(tmp_path: Path) -> None:
    with running_site(tmp_path, AISTRALE_RUN_GRACE_SECONDS="0.5") as site:
        add_administrator(site)
        with streaming(site):
            pass
        row = until(lambda: (row := generation(site)) and row[0] != "running" and row, within=10)

    assert (row[0], row[2]) == ("stopped", "unwatched")
