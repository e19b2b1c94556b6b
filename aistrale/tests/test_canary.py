"""Secrets that are planted everywhere must be found nowhere."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx2
import psycopg
import pytest
import redis
from psycopg import sql

from aistrale.tests.browser import ADMIN, Site, running_site
from aistrale.tests.processes import MANAGE
from inference.tests.fake_provider import FakeProvider

GOOD_KEY = "sk-canary-good-7f3a9b1c5d2e8f40"
BAD_KEY = "bad-canary-key-1e5f8a2b9c4d7f60"
PASSWORD = "canary password 4b8e1f7a"  # the site's administrator logs in with it
SECRETS = (GOOD_KEY, BAD_KEY, PASSWORD)


@pytest.fixture
def fake() -> Iterator[FakeProvider]:
    with FakeProvider() as provider:
        yield provider


def manage(site: Site, *arguments: str, stdin: str = "") -> str:
    """Both outputs of a command, whether it succeeds or not."""
    command = [sys.executable, str(MANAGE), *arguments]
    done = subprocess.run(command, input=stdin, env=site.environment, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def use(site: Site, fake: FakeProvider) -> str:
    """Every path that a secret takes, good and bad; returns what was printed and shown on the way."""
    shown = ""
    for provider, key in [("openai", GOOD_KEY), ("anthropic", BAD_KEY), ("groq", GOOD_KEY), ("gemini", BAD_KEY)]:
        token = ("--owner", ADMIN, "--provider", provider, "--label", f"canary {provider}")
        shown += manage(site, "add_token", *token, "--base-url", fake.base_url(provider), stdin=key)
        for model in ("words-3", "status-401"):
            shown += manage(site, "ask", "--user", ADMIN, "--provider", provider, "--model", model, "Hello")
    for command in (["doctor"], ["verify_audit"], ["export_audit"]):
        shown += manage(site, *command)
    return shown + pages(site)


def pages(site: Site) -> str:
    with httpx2.Client(base_url=site.url, headers={"Origin": site.url}, follow_redirects=True) as client:
        form = {"csrfmiddlewaretoken": _token(client.get("/login/").text), "login": ADMIN, "password": PASSWORD}
        seen = client.post("/login/", data=form).text
        paths = ["", "tokens/", "telemetry/", "chat/", "audit/", "admin/", "admin/tokens/providertoken/", "nothing"]
        return seen + "".join(client.get(f"/{path}").text for path in paths)


def _token(page: str) -> str:
    return page.partition('name="csrfmiddlewaretoken" value="')[2].partition('"')[0]


def database(site: Site) -> str:
    """Every row of every table, as text."""
    with psycopg.connect(site.environment["DATABASE_URL"]) as connection:
        tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        all_of = sql.SQL("SELECT t::text FROM {} t")
        rows = [connection.execute(all_of.format(sql.Identifier(name))).fetchall() for (name,) in tables]
    return str(rows)


def cache(site: Site) -> str:
    with redis.Redis.from_url(site.environment["REDIS_URL"]) as client:
        return str([client.dump(key) for key in client.scan_iter()])


def test_it_lets_no_secret_out(tmp_path: Path, fake: FakeProvider, capfd: pytest.CaptureFixture[str]) -> None:
    with running_site(tmp_path) as site:
        site.environment["DJANGO_SUPERUSER_PASSWORD"] = PASSWORD
        site.manage("createsuperuser", "--noinput", "--email", ADMIN)
        shown = use(site, fake)
        stored = database(site) + cache(site)
    files = "".join(path.read_text(errors="replace") for path in tmp_path.rglob("*") if path.is_file())
    logs = "".join(capfd.readouterr())

    assert "canary openai" in stored, "the tokens were not stored at all"
    assert any(exchange.key == GOOD_KEY for exchange in fake.exchanges), "the provider was never asked"
    for place, text in {"output": shown, "tables or Redis": stored, "files": files, "logs": logs}.items():
        for secret in SECRETS:
            assert secret not in text, f"a secret is in {place}"
