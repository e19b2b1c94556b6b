"""Secrets that are planted everywhere must be found nowhere."""

from __future__ import annotations

import json
import logging
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import flask
import psycopg
import pytest
import redis
from django.contrib.sessions.backends.cache import KEY_PREFIX
from oidc_provider_mock import run_server_in_thread
from psycopg import sql

from accounts.tests.sso import person
from aistrale.embedded.state import free_port
from aistrale.tests.end_to_end.account_secrets import (
    METRICS_TOKEN,
    OIDC_SECRET,
    WRONG_CODES,
    Secrets,
    Visitor,
    fail_to_sign_on,
    sign_on,
    use_accounts,
)
from aistrale.tests.end_to_end.browser import ADMIN, Site, running_site
from aistrale.tests.processes import MANAGE
from inference.tests.fake_provider import FakeProvider

GOOD_KEY = "sk-canary-good-7f3a9b1c5d2e8f40"
BAD_KEY = "bad-canary-key-1e5f8a2b9c4d7f60"
PASSWORD = "canary password 4b8e1f7a"  # the site's administrator logs in with it
BOSS = person("boss", "boss@example.org")

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:authlib")


@pytest.fixture
def fake() -> Iterator[FakeProvider]:
    with FakeProvider() as provider:
        yield provider


@pytest.fixture(autouse=True)
def _quiet_provider(caplog: pytest.LogCaptureFixture) -> None:
    """The provider of single sign-on logs what it is asked, in this process, where only the site's log is wanted."""
    for name in ("werkzeug", "oidc_provider_mock", "authlib"):
        caplog.set_level(logging.CRITICAL, logger=name)


def manage(site: Site, *commands: tuple[list[str], str]) -> str:
    """Both outputs of commands, each with what is typed into it, whether they succeed or not."""
    done = subprocess.run(
        [sys.executable, "-m", "aistrale.tests.end_to_end.commands"],
        input=json.dumps(commands),
        env=site.environment,
        cwd=MANAGE.parent,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout + done.stderr


def use_tokens(site: Site, fake: FakeProvider) -> str:
    """Every path that a provider's key takes, good and bad; returns what was printed on the way."""
    commands: list[tuple[list[str], str]] = [(["createsuperuser", "--noinput", "--email", ADMIN], "")]
    for provider, key in [("openai", GOOD_KEY), ("anthropic", BAD_KEY), ("groq", GOOD_KEY), ("gemini", BAD_KEY)]:
        token = ["--owner", ADMIN, "--provider", provider, "--label", f"canary {provider}"]
        commands.append((["add_token", *token, "--base-url", fake.base_url(provider)], key))
        model = "words-3" if key == GOOD_KEY else "status-401"
        commands.append((["ask", "--user", ADMIN, "--provider", provider, "--model", model, "Hello"], ""))
    return manage(site, *commands, *((([name], "")) for name in ("doctor", "verify_audit", "export_audit")))


class Listener:
    """Hears what passes between the site and the provider of single sign-on."""

    OURS = ("code_verifier", "nonce", "state")
    NAMES = (*OURS, "code", "id_token", "access_token", "refresh_token")

    def __init__(self) -> None:
        self.heard: dict[str, str] = {}

    def __call__(self, answer: flask.Response) -> flask.Response:
        said: dict[str, Any] = (answer.get_json() or {}) if answer.is_json else {}
        for given in (flask.request.args, flask.request.form, said):
            self.heard |= {name: str(given[name]) for name in self.NAMES if given.get(name)}
        return answer


def use_single_sign_on(visitor: Visitor, port: int, secrets: Secrets) -> None:
    """Adds what is secret of a log-in there, and of one that fails."""
    secrets.words |= fail_to_sign_on(visitor)
    listener = Listener()
    with run_server_in_thread(port, user_claims=[BOSS]) as server:
        assert isinstance(server.app, flask.Flask)
        server.app.after_request(listener)
        sign_on(visitor, "boss")
    assert {"code", "state", "id_token", "access_token"} <= set(listener.heard)
    secrets.words |= set(listener.heard.values())
    secrets.passing |= {word for name, word in listener.heard.items() if name in Listener.OURS}


def tables(site: Site, of: str = "") -> str:
    """Every row of every table whose name begins so, as text."""
    with psycopg.connect(site.environment["DATABASE_URL"]) as connection:
        names = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        all_of = sql.SQL("SELECT t::text FROM {} t")
        rows = [
            connection.execute(all_of.format(sql.Identifier(name))).fetchall()
            for (name,) in names
            if name.startswith(of)
        ]
    return str(rows)


class Cache:
    """What was in Redis at any time: names and values, and apart from them what was in sessions."""

    def __init__(self, site: Site) -> None:
        self._url = site.environment["REDIS_URL"]
        self.sessions: set[str] = set()

    def look(self) -> None:
        with redis.Redis.from_url(self._url) as client:
            names = list(client.scan_iter(f"*{KEY_PREFIX}*", count=1000))
            self.sessions |= {value.decode() for value in client.mget(names) if value} if names else set()

    def everything(self) -> str:
        with redis.Redis.from_url(self._url) as client:
            readers: dict[bytes, Callable[[bytes], object]] = {
                b"string": client.get,
                b"hash": client.hgetall,
                b"stream": client.xrange,
                b"set": client.smembers,
            }
            readers[b"zset"] = lambda name: client.zrange(name, 0, -1)
            names = list(client.scan_iter())
            return str([(name, readers[client.type(name)](name)) for name in names])


def words_of_digits(lines: str) -> set[str]:
    """Digits that are a word of a text, not part of a time, an id or a fraction; nor numbers of JSON, which no code
    is."""
    found: set[str] = set()
    for line in lines.splitlines():
        try:
            said = json.loads(line)
        except ValueError:
            said = line
        found |= {word for text in _texts(said) for word in re.findall(r"(?<![\w.:+-])\d{6,8}(?![\w.:+-])", text)}
    return found


def _texts(said: object) -> Iterator[str]:
    if isinstance(said, dict):
        for value in said.values():
            yield from _texts(value)
    elif isinstance(said, list):
        for value in said:
            yield from _texts(value)
    elif isinstance(said, str):
        yield said


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ('{"form": {"code": ["123456"]}}', {"123456"}),
        ('{"event": "code=123456 is wrong", "port": 654321, "timestamp": "2026-01-01T00:00:00.123456Z"}', {"123456"}),
        ("INSERT ('123456', 0.654321, 'a123456')", {"123456"}),
        ('[(7,"{""bytes"":123456}")]', set()),
    ],
)
def test_it_tells_codes_from_other_digits(line: str, found: set[str]) -> None:
    assert words_of_digits(line) == found


@pytest.fixture
def settings_of_site() -> dict[str, str]:
    return {
        "AISTRALE_OIDC_SERVER": f"http://localhost:{free_port()}",
        "AISTRALE_OIDC_CLIENT_ID": "aistrale",
        "AISTRALE_OIDC_CLIENT_SECRET": OIDC_SECRET,
        "AISTRALE_OIDC_CREATE_USERS": "true",
        "AISTRALE_METRICS_TOKEN": METRICS_TOKEN,
        "AISTRALE_LOG_LEVEL": "DEBUG",
    }


def test_it_lets_no_secret_out(
    tmp_path: Path, fake: FakeProvider, settings_of_site: dict[str, str], capfd: pytest.CaptureFixture[str]
) -> None:
    with running_site(tmp_path, **settings_of_site) as site:
        site.environment["DJANGO_SUPERUSER_PASSWORD"] = PASSWORD
        printed = use_tokens(site, fake)
        cache = Cache(site)
        visitor = Visitor(site.url.replace("127.0.0.1", "localhost"), cache.look)
        secrets = use_accounts(site, PASSWORD, visitor)
        use_single_sign_on(visitor, int(settings_of_site["AISTRALE_OIDC_SERVER"].rpartition(":")[2]), secrets)
        visitor.close()
        words = {GOOD_KEY, BAD_KEY, PASSWORD, *secrets.words, *visitor.sessions}
        stored, log_of_actions, cached = tables(site), tables(site, "audit_"), cache.everything()
    files = "".join(path.read_text(errors="replace") for path in tmp_path.rglob("*") if path.is_file())
    logs, shown = "".join(capfd.readouterr()), "".join(visitor.shown)

    assert "canary openai" in stored, "the tokens were not stored at all"
    assert any(exchange.key == GOOD_KEY for exchange in fake.exchanges), "the provider was never asked"
    assert "POST /login/" in logs, "nothing was logged"
    assert any('"_auth_user_id"' in value for value in cache.sessions), "no session was looked into"
    places = {"output": printed, "pages": shown, "tables": stored, "Redis": cached, "files": files, "logs": logs}
    found = [(place, secret) for place, text in places.items() for secret in words if secret in text]
    found += [("sessions", secret) for secret in words - secrets.passing if secret in str(cache.sessions)]
    # Whoever has mistyped one sees it again.
    found = [(place, secret) for place, secret in found if not (place == "pages" and secret in WRONG_CODES)]
    assert sorted(found) == [], "\n".join(map(str, sorted(found)))
    assert secrets.codes & words_of_digits(f"{logs}\n{log_of_actions}\n{printed}") == set()
