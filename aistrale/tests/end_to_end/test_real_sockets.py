"""Against a real server: messages of any kind, and a page that does not read."""

from __future__ import annotations

import json
import re
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from urllib.parse import urlsplit
from uuid import uuid4

import httpx2
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

from aistrale.server import SOCKET_MESSAGE_BYTES
from aistrale.tests.end_to_end.browser import ADMIN, PASSWORD, Site, add_administrator, running_site
from aistrale.tests.end_to_end.chat_page import add_token
from inference.tests.fake_provider import FakeProvider, answer
from inference.tests.wire import DIALECTS

# What the kernel keeps for a connection, and what the server may keep beside it.
BOUND_BYTES = 64 * 1024 * 1024
SLOW_SECONDS, CHECK_SECONDS = 2, 2


@pytest.fixture(scope="module")
def own_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with running_site(tmp_path_factory.mktemp("sockets"), AISTRALE_SLOW_CLIENT_SECONDS=str(SLOW_SECONDS)) as site:
        add_administrator(site)
        yield site


@pytest.fixture(scope="module")
def pages(own_site: Site) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=own_site.url, headers={"Origin": own_site.url}, follow_redirects=True) as client:
        fields = dict(re.findall(r'name="(csrfmiddlewaretoken)" value="([^"]+)"', client.get("/login/").text))
        client.post("/login/", data=fields | {"login": ADMIN, "password": PASSWORD})
        yield client


@contextmanager
def chat(site: Site, pages: httpx2.Client, *, at: str = "/chat/", window: int = 65536) -> Iterator[ClientConnection]:
    """The socket of the page ``at``; ``window`` is how many bytes may lie unread at the browser's side."""
    found = re.search(r'ws-connect="([^"]+)"', pages.get(at).text)
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


@pytest.fixture(scope="module")
def talkative(own_site: Site) -> Iterator[FakeProvider]:
    """``megabytes-N`` answers with as much text, in lines of their own numbers, as fast as it is taken."""
    with FakeProvider() as provider:
        add_token(own_site, ADMIN, provider)
        for megabytes in (2, 5):
            lines = [f"line {number}:{'.' * 9_980}\n\n" for number in range(megabytes * 100)]
            provider.script(f"megabytes-{megabytes}", answer(DIALECTS["v1"], "any", lines))
        yield provider


def question(text: str = "Hi", **changes: str) -> str:
    message = {"type": "run", "text": text, "provider": "echo", "model": "echo", "client_id": str(uuid4())}
    return json.dumps(message | (changes or {"param-delay_ms": "0"}), ensure_ascii=False)


def read_until(page: ClientConnection, mark: str, *, pause: float = 0.0) -> str:
    """Everything up to there; ``pause`` seconds after each message."""
    seen = [str(page.recv(20))]
    while mark not in seen[-1]:
        time.sleep(pause)
        seen.append(str(page.recv(20)))
    return "".join(seen)


def memory(site: Site) -> int:
    """Bytes of the server process."""
    resident = int(Path(f"/proc/{site.server.pid}/statm").read_text().split()[1])
    return resident * 4096


def test_a_message_too_long_ends_its_socket_and_no_other(own_site: Site, pages: httpx2.Client) -> None:
    with chat(own_site, pages) as other, chat(own_site, pages) as page:
        page.send("x" * (SOCKET_MESSAGE_BYTES + 1))
        with pytest.raises(ConnectionClosed):
            page.recv(10)
        other.send(question())
        read_until(other, 'data-status="succeeded"')


def test_the_longest_question_gets_through_in_any_script(own_site: Site, pages: httpx2.Client) -> None:
    with chat(own_site, pages) as page:
        page.send(question("𝔸" * 200_000))
        read_until(page, 'data-status="succeeded"')


def test_a_page_that_does_not_read_is_cut_and_costs_bounded_memory(own_site: Site, pages: httpx2.Client) -> None:
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


@pytest.mark.usefixtures("talkative")
def test_a_page_that_reads_five_megabytes_at_its_own_pace_is_not_cut(own_site: Site, pages: httpx2.Client) -> None:
    with chat(own_site, pages) as page:
        page.send(question(provider="openai", model="megabytes-5"))
        seen = read_until(page, 'data-status="succeeded"', pause=0.004)

    assert all(f"line {number}:" in seen for number in range(500))


@pytest.mark.fault
@pytest.mark.usefixtures("talkative")
def test_a_page_that_stops_reading_is_told_so_and_sees_everything_when_it_is_back(
    own_site: Site, pages: httpx2.Client, chance: Random
) -> None:
    with chat(own_site, pages, window=2048) as page:
        page.send(question(provider="openai", model="megabytes-2"))
        found = re.search(r'id="page-url" data-url="([^"]+)"', read_until(page, 'id="page-url"'))
        assert found is not None
        for _ in range(chance.randrange(60)):
            page.recv(20)
        time.sleep(SLOW_SECONDS + CHECK_SECONDS + 1)
        with pytest.raises(ConnectionClosed) as closed:
            read_until(page, 'data-status="succeeded"')
    thread = pages.get(found[1]).text

    assert closed.value.rcvd is not None
    assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (1013, "slow client")
    assert all(f"line {number}:" in thread for number in range(200))
