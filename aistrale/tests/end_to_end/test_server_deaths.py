"""PostgreSQL and Valkey killed or locked while people work, and the web server told to stop: all at random moments."""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from threading import Event, Thread

import httpx2
import psycopg
import pytest

from aistrale.embedded import Child, Servers, database_url, redis_url
from aistrale.tests.end_to_end.browser import ADMIN, PASSWORD, Site, add_administrator, log_in_by_http, running_site
from aistrale.tests.end_to_end.site_runs import generation, streaming, until
from aistrale.tests.end_to_end.stopped import family_of
from aistrale.tests.invariants import problems_of_site
from aistrale.tests.processes import reachable_directory

pytestmark = [pytest.mark.slow, pytest.mark.fault]

PAGE_SECONDS = 5
DRAIN_SECONDS = 1.5


@dataclass(frozen=True)
class Durable:
    """A site with servers of its own that lose nothing when they are killed."""

    site: Site
    servers: Servers

    def kill(self, name: str) -> None:
        """With all its processes."""
        for pid in family_of(self._child(name).pid):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def start_again(self, name: str) -> None:
        self.servers.restart(self._child(name))

    def _child(self, name: str) -> Child:
        [child] = [child for child in self.servers.children if child.name == name]
        return child

    def rows(self, query: str) -> list[tuple[object, ...]]:
        with psycopg.connect(self.site.environment["DATABASE_URL"]) as connection:
            return connection.execute(query.encode()).fetchall()

    @contextmanager
    def client(self) -> Iterator[httpx2.Client]:
        cookies = log_in_by_http(self.site.url, ADMIN)
        with httpx2.Client(base_url=self.site.url, cookies=cookies, timeout=30) as client:
            token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', client.get("/").text)
            assert token is not None
            client.headers.update({"Origin": self.site.url, "X-CSRFToken": token[1]})
            client.post("/account/confirm/", data={"password": PASSWORD})
            yield client


@pytest.fixture(scope="module")
def durable(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Durable]:
    with reachable_directory() as home:
        servers = Servers(home)
        servers.start()
        try:
            urls = {"DATABASE_URL": database_url(home), "REDIS_URL": redis_url(home)}
            with running_site(tmp_path_factory.mktemp("durable"), **urls) as site:
                add_administrator(site)
                yield Durable(site, servers)
        finally:
            servers.stop()


@dataclass(eq=False)
class Writer(Thread):
    """Creates one team after the other, and remembers those whose creation was acknowledged."""

    client: httpx2.Client
    prefix: str
    acknowledged: list[str] = field(default_factory=list)
    tried: int = 0

    def __post_init__(self) -> None:
        super().__init__(daemon=True)
        self._stop_asked = Event()

    def run(self) -> None:
        while not self._stop_asked.is_set():
            self.tried += 1
            name = f"{self.prefix} {self.tried}"
            with suppress(httpx2.TransportError):
                if self.client.post("/account/teams/add/", data={"name": name}).status_code == 302:
                    self.acknowledged.append(name)

    def stop(self) -> None:
        self._stop_asked.set()
        self.join(60)


def test_what_was_acknowledged_is_there_after_postgresql_was_killed(durable: Durable, chance: Random) -> None:
    with durable.client() as client:
        writer = Writer(client, f"Team of {chance.random()}")
        writer.start()
        until(lambda: len(writer.acknowledged) > 3)
        time.sleep(chance.uniform(0, 1))
        durable.kill("PostgreSQL")
        before = len(writer.acknowledged)
        durable.start_again("PostgreSQL")
        # Without a restart of the web server.
        until(lambda: len(writer.acknowledged) > before + 3, within=60)
        writer.stop()
    stored = {name for (name,) in durable.rows("SELECT name FROM accounts_team") if str(name).startswith(writer.prefix)}
    assert set(writer.acknowledged) <= stored and len(stored) <= len(writer.acknowledged) + 1
    assert problems_of_site(durable.site.environment, [PASSWORD]) == []


def test_sessions_are_those_from_before_valkey_was_killed(durable: Durable, chance: Random) -> None:
    with durable.client() as client:
        # So long it may take until what was written is on the disk.
        time.sleep(1.5 + chance.uniform(0, 1))
        durable.kill("Valkey")
        away = client.get("/")
        durable.start_again("Valkey")
        assert (away.status_code, "set-cookie" in away.headers) == (503, False)
        assert away.headers["Retry-After"] and away.elapsed.total_seconds() < PAGE_SECONDS
        assert until(lambda: (page := client.get("/")).status_code == 200 and page)
    assert problems_of_site(durable.site.environment, [PASSWORD]) == []


def test_a_locked_table_is_an_outage_and_over_when_it_is_released(durable: Durable, chance: Random) -> None:
    with durable.client() as client, psycopg.connect(durable.site.environment["DATABASE_URL"]) as locking:
        time.sleep(chance.uniform(0, 0.5))
        locking.execute("LOCK TABLE accounts_user IN ACCESS EXCLUSIVE MODE")
        answer = client.get("/chat/")
        assert answer.status_code == 503 and answer.elapsed.total_seconds() < PAGE_SECONDS + 1
        locking.rollback()
        assert client.get("/chat/").status_code == 200


def test_a_server_that_is_told_to_stop_fails_readiness_and_saves_what_it_does(tmp_path: Path, chance: Random) -> None:
    with running_site(tmp_path, AISTRALE_RUN_DRAIN_SECONDS=str(DRAIN_SECONDS)) as site:
        add_administrator(site)
        with streaming(site):
            time.sleep(chance.uniform(0, 1))
            site.server.ask_to_stop()
            began = time.monotonic()
            until(lambda: httpx2.get(f"{site.url}/health/ready").status_code == 503, within=DRAIN_SECONDS)
            until(lambda: site.server.exit_code is not None, within=DRAIN_SECONDS + 20)
        assert site.server.exit_code == 0 and time.monotonic() - began >= DRAIN_SECONDS
        status, text, _ = generation(site) or ("", "", "")
        assert status == "interrupted" and text
