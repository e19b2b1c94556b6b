"""A real browser against a real server process with a database of its own.

Sites have their own databases, so tests of pages look at what the browser shows, not at the ORM.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from playwright.sync_api import Browser, ConsoleMessage, Error, Page, expect, sync_playwright
from psycopg import sql

from aistrale.embedded import Child
from aistrale.embedded.state import free_port

MANAGE = Path(__file__).resolve().parents[2] / "manage.py"
ADMIN = "admin@example.org"
PASSWORD = "correct horse battery staple"
# Databases of Valkey: the lower half is for the tests themselves.
FIRST_SITE_DATABASE = 32
START_SECONDS = 60.0
EXPECT_SECONDS = 15.0


@dataclass(frozen=True)
class Site:
    """``setup_link`` sets up the first administrator; None when there is one."""

    url: str
    setup_link: str | None
    environment: dict[str, str]
    server: Child

    def manage(self, *arguments: str, stdin: str = "") -> str:
        """What `manage.py ARGUMENTS` prints in the site's environment. Raises CalledProcessError."""
        result = subprocess.run(
            [sys.executable, MANAGE, *arguments],
            input=stdin,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
            env=self.environment,
        )
        return result.stdout


@contextmanager
def running_site(directory: Path, **environment: str) -> Iterator[Site]:
    """A server on a free port with an empty database and an empty Redis; ``environment`` adds to its settings."""
    with _database() as database_url:
        port = free_port()
        variables = os.environ | {
            "DATABASE_URL": database_url,
            "REDIS_URL": _redis_url(),
            "AISTRALE_DATA_DIR": str(directory),
            "AISTRALE_PUBLIC_URL": f"http://127.0.0.1:{port}",
            "AISTRALE_PROVIDER_HOSTS": "127.0.0.1",
            "PORT": str(port),
            **environment,
        }
        server = Child("The web server", [sys.executable, MANAGE, "prepare", "--serve"], environment=variables)
        try:
            report = json.loads(server.output.readline())
            _wait_until_live(port, server)
            yield Site(f"http://127.0.0.1:{port}", report["setup_link"], variables, server)
        finally:
            server.stop(within=20)
            server.output.close()


@contextmanager
def _database() -> Iterator[str]:
    parts = urlsplit(os.environ["DATABASE_URL"])
    name = f"site_{secrets.token_hex(6)}"
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        yield urlunsplit(parts._replace(path=f"/{name}"))
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def _redis_url() -> str:
    server, _, number = os.environ["REDIS_URL"].rpartition("/")
    return f"{server}/{FIRST_SITE_DATABASE + int(number)}"


def _wait_until_live(port: int, server: Child) -> None:
    deadline = time.monotonic() + START_SECONDS
    while server.exit_code is None and time.monotonic() < deadline:
        connection = HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", "/health/live")
            connection.getresponse()
            return
        except OSError:
            time.sleep(0.05)
        finally:
            connection.close()
    raise TimeoutError(f"The server does not answer (exit code {server.exit_code}).")


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One site for all tests of this process. Its administrator is ADMIN with PASSWORD."""
    with running_site(tmp_path_factory.mktemp("site")) as site:
        add_administrator(site)
        yield site


def add_administrator(site: Site) -> None:
    """ADMIN with PASSWORD."""
    site.environment["DJANGO_SUPERUSER_PASSWORD"] = PASSWORD
    site.manage("createsuperuser", "--noinput", "--email", ADMIN)


@pytest.fixture
def fresh_site(tmp_path: Path) -> Iterator[Site]:
    """A site of this test alone, on which nobody has set up anything."""
    with running_site(tmp_path) as site:
        yield site


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Not for the whole session: while Playwright runs, no test with an event loop of its own can."""
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        if os.environ.get("AISTRALE_REQUIRE_BROWSER"):
            pytest.fail("There is no Chromium, and AISTRALE_REQUIRE_BROWSER is set.")
        pytest.skip("There is no Chromium.")
    expect.set_options(timeout=EXPECT_SECONDS * 1000)
    with sync_playwright() as playwright:
        flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        browser = playwright.chromium.launch(executable_path=program, args=flags)
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """Fails the test when a script raised an exception or the Content Security Policy stopped something."""
    problems: list[str] = []

    def note_message(message: ConsoleMessage) -> None:
        if "Content Security Policy" in message.text:
            problems.append(message.text)

    def note_error(error: Error) -> None:
        problems.append(str(error))

    context = chromium.new_context()
    page = context.new_page()
    page.on("console", note_message)
    page.on("pageerror", note_error)
    yield page
    context.close()
    assert problems == []


def log_in(page: Page, site: Site, email: str = ADMIN, password: str = PASSWORD) -> None:
    page.goto(f"{site.url}/login/")
    page.locator("input[type=email], input[name=login]").fill(email)
    page.locator("input[type=password]").fill(password)
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: "/login/" not in url)
