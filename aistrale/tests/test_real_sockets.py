"""W4 and W5 against a real server: messages of any kind, and a page that does not read."""

from __future__ import annotations

import json
import re
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import httpx2
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

from aistrale.server import SOCKET_MESSAGE_BYTES
from aistrale.tests.browser import ADMIN, PASSWORD, Site, add_administrator, running_site

# What the kernel keeps for a connection, and what the server may keep beside it.
BOUND_BYTES = 24 * 1024 * 1024


@pytest.fixture(scope="module")
def own_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with running_site(tmp_path_factory.mktemp("sockets"), AISTRALE_SLOW_CLIENT_SECONDS="2") as site:
        add_administrator(site)
        yield site


@pytest.fixture(scope="module")
def pages(own_site: Site) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=own_site.url, headers={"Origin": own_site.url}, follow_redirects=True) as client:
        fields = dict(re.findall(r'name="(csrfmiddlewaretoken)" value="([^"]+)"', client.get("/login/").text))
        client.post("/login/", data=fields | {"login": ADMIN, "password": PASSWORD})
        yield client


@contextmanager
def chat(site: Site, pages: httpx2.Client, *, window: int = 65536) -> Iterator[ClientConnection]:
    """The socket of a new page; ``window`` is how many bytes may lie unread at the browser's side."""
    found = re.search(r'ws-connect="([^"]+)"', pages.get("/chat/").text)
    assert found is not None
    cookie = "; ".join(f"{name}={value}" for name, value in pages.cookies.items())
    with socket.socket() as line:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
        line.connect(("127.0.0.1", urlsplit(site.url).port))
        url = site.url.replace("http", "ws") + found[1]
        page = connect(
            url,
            additional_headers={"Cookie": cookie},
            origin=Origin(site.url),
            sock=line,
            max_size=None,
            max_queue=1,
            close_timeout=0.1,
        )
        with page:
            yield page


def question(text: str = "Hi") -> str:
    message = {"type": "run", "text": text, "provider": "echo", "model": "echo", "client_id": str(uuid4())}
    return json.dumps(message | {"param-delay_ms": "0"}, ensure_ascii=False)


def read_until(page: ClientConnection, mark: str) -> None:
    while mark not in str(page.recv(20)):
        pass


def memory(site: Site) -> int:
    """Bytes of the server process."""
    resident = int(Path(f"/proc/{site.server.pid}/statm").read_text().split()[1])
    return resident * 4096


def test_w4_a_message_too_long_ends_its_socket_and_no_other(own_site: Site, pages: httpx2.Client) -> None:
    with chat(own_site, pages) as other, chat(own_site, pages) as page:
        page.send("x" * (SOCKET_MESSAGE_BYTES + 1))
        with pytest.raises(ConnectionClosed):
            page.recv(10)
        other.send(question())
        read_until(other, 'data-status="succeeded"')


def test_r2_the_longest_question_gets_through_in_any_script(own_site: Site, pages: httpx2.Client) -> None:
    with chat(own_site, pages) as page:
        page.send(question("𝔸" * 200_000))
        read_until(page, 'data-status="succeeded"')


def test_w5_a_page_that_does_not_read_is_cut_and_costs_bounded_memory(own_site: Site, pages: httpx2.Client) -> None:
    with chat(own_site, pages) as warm:
        warm.send(question("x" * 200_000))
        read_until(warm, 'data-status="succeeded"')
    before, peak = memory(own_site), 0
    with chat(own_site, pages, window=2048) as page, pytest.raises(ConnectionClosed):
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            page.send(question("x" * 200_000))
            peak = max(peak, memory(own_site))
            time.sleep(0.25)
    assert peak - before < BOUND_BYTES
    assert pages.get("/health/ready").status_code == 200
