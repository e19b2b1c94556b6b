"""Providers on the wire: the fake one, and llmock, each started once."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from http.client import HTTPConnection

import pytest

from inference.tests.fake_provider import FakeProvider


@pytest.fixture(scope="session")
def fake() -> Iterator[FakeProvider]:
    with FakeProvider() as provider:
        yield provider


@pytest.fixture(scope="session")
def llmock_url() -> Iterator[str]:
    """Another implementation of the five protocols than ours, as a server process of its own."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "llmock.cli", "serve", "--port", str(port), "--log-level", "critical"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            _wait_for_answer(port)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()


def _wait_for_answer(port: int) -> None:
    deadline = time.monotonic() + 60
    while True:
        connection = HTTPConnection("127.0.0.1", port, timeout=1)
        try:
            connection.request("GET", "/health")
            return connection.getresponse().close()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        finally:
            connection.close()
