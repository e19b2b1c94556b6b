"""What a worker answers by HTTP."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from wsgiref.util import setup_testing_defaults

import pytest
from pytest_django import Settings

from aistrale import worker_pages
from aistrale.worker_pages import WorkerPages


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    """One that turns, in another thread, as that of a worker."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    yield loop
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


def answer(loop: asyncio.AbstractEventLoop, path: str, **headers: str) -> tuple[str, bytes]:
    environ: dict[str, str] = {"REMOTE_ADDR": "127.0.0.1", "PATH_INFO": path, **headers}
    setup_testing_defaults(environ)
    statuses: list[str] = []
    body = b"".join(WorkerPages(loop)(environ, lambda status, headers: statuses.append(status)))
    return statuses[0], body


def test_it_is_live_while_its_loop_turns(loop: asyncio.AbstractEventLoop) -> None:
    assert answer(loop, "/health/live") == ("200 OK", b"ok")


def test_it_is_not_live_while_its_loop_hangs(loop: asyncio.AbstractEventLoop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_pages, "LIVE_SECONDS", 0.1)
    go_on = threading.Event()
    loop.call_soon_threadsafe(go_on.wait)
    assert answer(loop, "/health/live")[0] == "503 Service Unavailable"
    go_on.set()
    assert answer(loop, "/health/live")[0] == "200 OK"


def test_it_tells_metrics_only_to_whoever_may_read_them(loop: asyncio.AbstractEventLoop, settings: Settings) -> None:
    settings.METRICS_TOKEN = "metrics-canary-3b8e1c7d5f"
    assert answer(loop, "/metrics") == ("401 Unauthorized", b"unauthorized")
    status, body = answer(loop, "/metrics", HTTP_AUTHORIZATION=f"Bearer {settings.METRICS_TOKEN}")
    assert status == "200 OK" and b"python_info" in body


def test_it_has_nothing_else(loop: asyncio.AbstractEventLoop) -> None:
    assert answer(loop, "/login/")[0] == "404 Not Found"
