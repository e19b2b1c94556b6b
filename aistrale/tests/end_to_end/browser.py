"""A real browser against a real server process with a database of its own.

Sites have their own databases, so tests of pages look at what the browser shows, not at the ORM.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial
from http.client import HTTPConnection
from pathlib import Path

import httpx2
import psycopg
import pytest
from playwright.sync_api import Browser, ConsoleMessage, Error, Page, expect, sync_playwright
from psycopg import sql

from aistrale.embedded import Child
from aistrale.embedded.state import free_port
from aistrale.tests.end_to_end.prepared import prepared_database
from aistrale.tests.processes import MANAGE

ADMIN = "admin@example.org"
PASSWORD = "correct horse battery staple"
# Databases of Valkey: the lower half is for the tests themselves.
FIRST_SITE_DATABASE = 32
START_SECONDS = 60.0
# The first is the same without the parts that nobody sees here, and takes a sixth less time.
PROGRAMS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
EXPECT_SECONDS = 15.0
# The address bar of each window is two pages of its own, which cost as much as the one that is tested. The other
# features are those that Playwright switches off: of two such lists Chromium takes the last.
NOT_NEEDED = (
    "WebUIOmniboxPopup,WebUIOmniboxAimPopup,"
    "AvoidUnnecessaryBeforeUnloadCheckSync,DestroyProfileOnBrowserClose,HttpsUpgrades,HttpsFirstBalancedModeAutoEnable,"
    "LensOverlay,MediaRouter,PaintHolding,ThirdPartyStoragePartitioning,AvoidCorsURLLoaderRestartOnRedirect,"
    "OptimizationHints,NetworkTimeServiceQuerying,AimEnabled,PreconnectToSearch"
)


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
def running_site(
    directory: Path, *, tablespace: str | None = None, base_path: str = "", **environment: str
) -> Iterator[Site]:
    """A server on a free port on which nobody has done anything yet; ``environment`` adds to its settings."""
    with prepared_database(directory, tablespace=tablespace) as database_url:
        port = free_port()
        variables = os.environ | {
            "DATABASE_URL": database_url,
            "REDIS_URL": redis_url(),
            "AISTRALE_DATA_DIR": str(directory),
            "AISTRALE_PUBLIC_URL": f"http://127.0.0.1:{port}{base_path}",
            "AISTRALE_PROVIDER_HOSTS": "127.0.0.1",
            "PORT": str(port),
            **environment,
        }
        server = Child("The web server", [sys.executable, MANAGE, "prepare", "--serve"], environment=variables)
        try:
            # Of a database that was not prepared, it first says how far it is.
            report = json.loads(next((line for line in server.output if line.startswith(b"{")), b""))
            _wait_until_live(port, server)
            yield Site(f"http://127.0.0.1:{port}{base_path}", report["setup_link"], variables, server)
        finally:
            server.stop(within=20)
            server.output.close()


def redis_url() -> str:
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


def add_administrator(site: Site, email: str = ADMIN) -> None:
    """With PASSWORD. Straight into the table: `manage.py createsuperuser` takes seconds."""
    from accounts.models import Role, User

    user = User(email=email, role=Role.ADMINISTRATOR)
    user.set_password(PASSWORD)
    values = {
        str(field.column): field.pre_save(user, add=True)
        for field in User._meta.concrete_fields
        if not field.primary_key
    }
    insert = sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
        sql.Identifier(User._meta.db_table),
        sql.SQL(", ").join([sql.Identifier(column) for column in values]),
        sql.SQL(", ").join([sql.Placeholder()] * len(values)),
    )
    with psycopg.connect(site.environment["DATABASE_URL"]) as connection:
        connection.execute(insert, list(values.values()))


@pytest.fixture(scope="session")
def sign_in(site: Site) -> Callable[[Page, str], None]:
    """`sign_in(page, email)`: into the one session of this person that all tests share.

    Whoever confirms who they are, or logs out, needs a session of their own: see `log_in`.
    """
    cookies_of = cache(partial(log_in_by_http, site.url))

    def sign_in(page: Page, email: str) -> None:
        cookies = cookies_of(email)
        page.context.add_cookies([{"name": name, "value": cookies[name], "url": site.url} for name in cookies])

    return sign_in


def log_in_by_http(url: str, email: str) -> dict[str, str]:
    """The cookies of somebody with PASSWORD."""
    with httpx2.Client(base_url=url, headers={"Origin": url}, follow_redirects=True) as client:
        fields = dict(re.findall(r'name="(csrfmiddlewaretoken)" value="([^"]+)"', client.get("/login/").text))
        client.post("/login/", data=fields | {"login": email, "password": PASSWORD})
        assert "session" in client.cookies, f"{email} cannot log in."
        return dict(client.cookies)


@pytest.fixture
def fresh_site(tmp_path: Path) -> Iterator[Site]:
    """A site of this test alone, on which nobody has set up anything."""
    with running_site(tmp_path) as site:
        yield site


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Not for the whole session: while Playwright runs, no test with an event loop of its own can."""
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        if os.environ.get("AISTRALE_REQUIRE_BROWSER"):
            pytest.fail("There is no Chromium, and AISTRALE_REQUIRE_BROWSER is set.")
        pytest.skip("There is no Chromium.")
    expect.set_options(timeout=EXPECT_SECONDS * 1000)
    with sync_playwright() as playwright:
        flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", f"--disable-features={NOT_NEEDED}"]
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


@pytest.fixture
def signed_in(page: Page, sign_in: Callable[[Page, str], None]) -> Page:
    """A page of ADMIN."""
    sign_in(page, ADMIN)
    page.set_viewport_size({"width": 1440, "height": 900})
    return page


@pytest.fixture
def by_name(site: Site) -> str:
    """The address of the site by a host name: there are no passkeys for a bare address."""
    return site.url.replace("127.0.0.1", "localhost")


@pytest.fixture
def authenticator(page: Page) -> Iterator[None]:
    """A device that knows its user's face."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    session.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    yield
    session.detach()


def log_in(page: Page, site: Site, email: str = ADMIN, password: str = PASSWORD) -> None:
    page.goto(f"{site.url}/login/")
    page.locator("input[type=email], input[name=login]").fill(email)
    page.locator("input[type=password]").fill(password)
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: "/login/" not in url)
