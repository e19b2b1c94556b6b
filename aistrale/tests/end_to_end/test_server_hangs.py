"""PostgreSQL and Valkey stopped by SIGSTOP: they take connections and what is sent, and answer nothing."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from random import Random

import httpx2
import psycopg
import pytest
from django.db import connection
from playwright.sync_api import Page, expect
from websockets.exceptions import ConnectionClosed

from aistrale.database.connection import SILENCE_SECONDS
from aistrale.tests.end_to_end.browser import ADMIN, PASSWORD, log_in, log_in_by_http
from aistrale.tests.end_to_end.chat_page import ask, expect_status
from aistrale.tests.end_to_end.site_runs import ended, generation, streaming, until
from aistrale.tests.end_to_end.stopped import OwnServers, site_with_own_servers
from aistrale.tests.invariants import problems_of_site
from aistrale.tests.processes import running_worker

PAGES = ["/", "/chat/", "/telemetry/", "/tokens/", "/people/", "/system/", "/admin/", "/account/sessions/"]
SERVERS = [["PostgreSQL"], ["Valkey"], ["PostgreSQL", "Valkey"]]
PAGE_SECONDS = 5
# Fewer than there are requests at once: connections that are lost with each outage would soon be missed.
POOL = 3
AT_ONCE = 2 * POOL
WORDS = 150


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnServers]:
    with site_with_own_servers(tmp_path_factory.mktemp("own"), AISTRALE_DATABASE_POOL=str(POOL)) as own:
        yield own


@pytest.fixture
def pages(own: OwnServers) -> Iterator[httpx2.Client]:
    cookies = log_in_by_http(own.site.url, ADMIN)
    with httpx2.Client(base_url=own.site.url, cookies=cookies, timeout=30) as client:
        yield client


def get_at_once(pages: httpx2.Client, paths: list[str]) -> list[httpx2.Response]:
    with ThreadPoolExecutor(len(paths)) as threads:
        return list(threads.map(pages.get, paths))


def threads_of(own: OwnServers) -> int:
    command = ["ps", "-o", "nlwp=", "-p", str(own.site.server.pid)]
    return int(subprocess.run(command, capture_output=True, check=True).stdout)


@pytest.mark.fault
@pytest.mark.parametrize("servers", SERVERS, ids=" and ".join)
def test_pages_say_so_within_seconds_and_are_back_with_the_server(
    own: OwnServers, pages: httpx2.Client, servers: list[str], chance: Random
) -> None:
    paths = chance.choices(PAGES, k=AT_ONCE)
    assert {page.status_code for page in get_at_once(pages, paths)} == {200}
    threads = threads_of(own)
    with own.stopped(servers):
        answers = get_at_once(pages, paths)
        live, ready = pages.get("/health/live"), pages.get("/health/ready")
    assert [(page.status_code, page.headers["Retry-After"]) for page in answers] == [(503, "5")] * AT_ONCE
    assert max(page.elapsed.total_seconds() for page in answers) < PAGE_SECONDS
    assert live.text == "ok" and live.elapsed.total_seconds() < 2
    assert ready.status_code == 503 and ready.elapsed.total_seconds() < PAGE_SECONDS
    assert [name for name in ("PostgreSQL", "Redis") if f"{name} does not answer" in ready.text] == [
        name.replace("Valkey", "Redis") for name in servers
    ]
    assert {page.status_code for page in get_at_once(pages, paths)} == {200}
    until(lambda: pages.get("/health/ready").status_code == 200)
    # Threads that wait for work stay; those of the outage would double them.
    assert threads_of(own) < threads + 2 * AT_ONCE


@pytest.mark.fault
@pytest.mark.parametrize("servers", SERVERS, ids=" and ".join)
def test_an_answer_goes_on_during_the_outage_and_is_stored_after_it(
    own: OwnServers, servers: list[str], chance: Random
) -> None:
    with streaming(own.site, length=WORDS) as socket:
        time.sleep(chance.uniform(0, 1))
        with own.stopped(servers):
            until_silent = time.monotonic() + 1
            while time.monotonic() < until_silent:
                socket.recv(1)
            time.sleep(chance.uniform(0, 3))
        until(lambda: 'data-status="succeeded"' in str(socket.recv(10)))
    row = generation(own.site)
    assert row is not None and row[0] == "succeeded" and len(row[1].split()) >= WORDS - 1
    assert problems_of_site(own.site.environment, [PASSWORD]) == []


@pytest.mark.fault
@pytest.mark.parametrize(("servers", "part"), [(["PostgreSQL"], "database"), (["Valkey"], "cache")])
def test_a_socket_is_closed_with_a_reason(own: OwnServers, servers: list[str], part: str, chance: Random) -> None:
    with streaming(own.site, length=500) as socket:
        time.sleep(chance.uniform(0, 0.5))
        with own.stopped(servers), pytest.raises(ConnectionClosed) as closed:
            socket.send(json.dumps({"type": "watch"}))
            deadline = time.monotonic() + 2 * PAGE_SECONDS
            while time.monotonic() < deadline:
                socket.recv(PAGE_SECONDS)
    assert closed.value.rcvd is not None
    assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (1013, f"The {part} does not answer at the moment.")
    # The answer goes on without its page; the tests after this one share the site.
    assert ended(own.site)[0] == "succeeded"


def test_scripts_get_a_toast(own: OwnServers, pages: httpx2.Client) -> None:
    with own.stopped(["PostgreSQL"]):
        answer = pages.get("/telemetry/", headers={"HX-Request": "true"})
    assert answer.status_code == 503 and "data-toast-close" in answer.text and "<html" not in answer.text


@pytest.mark.parametrize(("servers", "part"), [(["PostgreSQL"], "database"), (["Valkey"], "cache")])
def test_a_chat_page_says_what_does_not_answer_and_sends_when_it_is_back(
    own: OwnServers, page: Page, servers: list[str], part: str
) -> None:
    log_in(page, own.site)
    page.goto(f"{own.site.url}/chat/?provider=echo&model=echo")
    expect(page.locator("#send")).to_be_enabled()
    page.wait_for_timeout(500)
    with own.stopped(servers):
        ask(page, "Patience")
        expect(page.locator("#connection")).to_contain_text(f"The {part} does not answer at the moment. Reconnecting")
        # Also after an attempt that was refused before it was open.
        page.wait_for_timeout(6000)
        expect(page.locator("#connection")).to_contain_text("does not answer at the moment. Reconnecting")
    expect_status(page, "succeeded")
    expect(page.locator("#connection")).to_be_hidden()
    expect(page.locator(".question")).to_have_count(1)


@pytest.mark.django_db
def test_a_statement_that_takes_long_on_purpose_is_waited_for() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(%s), 'done'", [SILENCE_SECONDS + 0.5])
        assert cursor.fetchone()[1] == "done"


def test_the_worker_goes_on_when_the_database_does(own: OwnServers) -> None:
    with running_worker(own.site.environment) as worker:
        until(lambda: has_heartbeat_since(own, seconds=60))
        with own.stopped(["PostgreSQL"]):
            time.sleep(15)
        until(lambda: has_heartbeat_since(own, seconds=5))
        assert worker.exit_code is None


def has_heartbeat_since(own: OwnServers, *, seconds: int) -> bool:
    query = "SELECT max(last_heartbeat) > now() - make_interval(secs => %s) FROM procrastinate_workers"
    with psycopg.connect(own.site.environment["DATABASE_URL"]) as connection:
        return connection.execute(query, [seconds]).fetchone() == (True,)
