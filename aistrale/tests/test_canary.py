"""Secrets that are planted everywhere must be found nowhere."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
import redis
from django.contrib.sessions.backends.cache import KEY_PREFIX
from psycopg import sql

from aistrale.tests.account_canary import METRICS_TOKEN, OIDC_SECRET, use_accounts
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
        model = "words-3" if key == GOOD_KEY else "status-401"
        shown += manage(site, "ask", "--user", ADMIN, "--provider", provider, "--model", model, "Hello")
    for command in (["doctor"], ["verify_audit"], ["export_audit"]):
        shown += manage(site, *command)
    return shown


def database(site: Site) -> str:
    """Every row of every table, as text."""
    with psycopg.connect(site.environment["DATABASE_URL"]) as connection:
        tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        all_of = sql.SQL("SELECT t::text FROM {} t")
        rows = [connection.execute(all_of.format(sql.Identifier(name))).fetchall() for (name,) in tables]
    return str(rows)


def cache(site: Site) -> str:
    """Every name and value in Redis, as text; but of sessions, which hold what their users are about, the names."""
    with redis.Redis.from_url(site.environment["REDIS_URL"]) as client:
        readers: dict[bytes, Callable[[bytes], object]] = {
            b"string": client.get,
            b"hash": client.hgetall,
            b"stream": client.xrange,
            b"set": client.smembers,
        }
        readers[b"zset"] = lambda name: client.zrange(name, 0, -1)
        names = list(client.scan_iter())
        values = [readers[client.type(name)](name) for name in names if KEY_PREFIX.encode() not in name]
    return str([names, values])


def test_it_lets_no_secret_out(tmp_path: Path, fake: FakeProvider, capfd: pytest.CaptureFixture[str]) -> None:
    settings = {
        "AISTRALE_OIDC_SERVER": "http://127.0.0.1:1",
        "AISTRALE_OIDC_CLIENT_SECRET": OIDC_SECRET,
        "AISTRALE_METRICS_TOKEN": METRICS_TOKEN,
        "AISTRALE_LOG_LEVEL": "DEBUG",
    }
    with running_site(tmp_path, **settings) as site:
        site.environment["DJANGO_SUPERUSER_PASSWORD"] = PASSWORD
        site.manage("createsuperuser", "--noinput", "--email", ADMIN)
        printed = use(site, fake)
        secrets, shown = use_accounts(site, PASSWORD)
        stored = database(site)
        cached = cache(site)
    files = "".join(path.read_text(errors="replace") for path in tmp_path.rglob("*") if path.is_file())
    logs = "".join(capfd.readouterr())

    assert "canary openai" in stored, "the tokens were not stored at all"
    assert any(exchange.key == GOOD_KEY for exchange in fake.exchanges), "the provider was never asked"
    assert "POST /login/" in logs, "nothing was logged"
    places = {"output": printed, "pages": shown, "tables": stored, "Redis": cached, "files": files, "logs": logs}
    found = [(place, secret) for place, text in places.items() for secret in {*SECRETS, *secrets} if secret in text]
    assert found == []
