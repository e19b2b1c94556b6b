"""A provider of single sign-on that is down, talks nonsense or lies: a page that says so, an entry, nothing done."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
from allauth.socialaccount.models import SocialAccount
from django.test import Client
from pytest_django import Settings

from accounts.models import User
from accounts.tests.sso import point_at, sent_to
from audit.models import AuditEvent

DISCOVERY, TOKEN, USER = "/.well-known/openid-configuration", "/token", "/user"
NONSENSE = [b"", b"nonsense", b"[]", b"null", b'"text"', b"5", b"{}"]
ENDPOINTS = ("authorization_endpoint", "token_endpoint", "userinfo_endpoint")


@dataclass
class Provider:
    """Says whatever a test makes it say: ``said`` holds status and body for a path. Without one, the truth."""

    url: str = ""
    said: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    slow: set[str] = field(default_factory=set)
    claims: dict[str, Any] = field(default_factory=lambda: person("alice"))
    id_claims: dict[str, Any] = field(default_factory=dict)

    def answer(self, path: str) -> tuple[int, bytes]:
        return self.said.get(path) or (200, json.dumps(self._truth(path)).encode())

    def _truth(self, path: str) -> dict[str, Any]:
        if path == DISCOVERY:
            return {"issuer": self.url, **{name: f"{self.url}/{name.split('_')[0]}" for name in ENDPOINTS}} | {
                "userinfo_endpoint": f"{self.url}{USER}",
                "jwks_uri": f"{self.url}/keys",
            }
        if path == USER:
            return self.claims
        return {"access_token": "t", "token_type": "Bearer", "id_token": self.id_token()}

    def id_token(self) -> str:
        now = int(time.time())
        said = {"iss": self.url, "aud": "aistrale", "sub": self.claims.get("sub"), "iat": now, "exp": now + 60}
        return jwt.encode({**said, **self.id_claims}, "k" * 32)


def person(sub: Any, **claims: Any) -> dict[str, Any]:
    return {"sub": sub, "email": f"{sub}@example.org", "email_verified": True, "name": "Alice", **claims}


@pytest.fixture
def provider(settings: Settings) -> Iterator[Provider]:
    provider = Provider()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = urlsplit(self.path).path
            if path in provider.slow:
                time.sleep(1)
            status, body = provider.answer(path)
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        provider.url = f"http://127.0.0.1:{server.server_port}"
        point_at(provider.url, settings)
        settings.SOCIALACCOUNT_REQUESTS_TIMEOUT = 0.2
        settings.OIDC_CREATE_USERS = True
        yield provider
        server.shutdown()
        thread.join()


def come_back(client: Client) -> Any:
    """Goes to the provider, which sends whoever comes back at once."""
    (state,) = parse_qs(urlsplit(sent_to(client.post("/login/sso/"))).query)["state"]
    return client.get("/login/sso/callback/", {"code": "c", "state": state})


def check_refused(client: Client, answer: Any) -> None:
    page = answer.content.decode()
    assert answer.status_code in (401, 403) and "Back to log-in" in page and "AISTRALE" in page, page
    assert client.get("/").status_code == 302
    assert not SocialAccount.objects.exists() and not User.objects.exists()
    event = AuditEvent.objects.get()
    assert (event.action, event.outcome) == ("accounts:session:login_failed", "failed")


def test_it_lets_in_by_what_is_right(client: Client, db: None, provider: Provider) -> None:
    come_back(client)
    assert client.get("/").context["user"].email == "alice@example.org"


@pytest.mark.parametrize(
    "body",
    [
        *NONSENSE,
        b'{"authorization_endpoint": 5, "token_endpoint": []}',
        b'{"authorization_endpoint": "javascript:alert(1)", "token_endpoint": "x"}',
        b'{"authorization_endpoint": "/login/", "token_endpoint": "x"}',
    ],
)
def test_it_refuses_a_description_that_is_none(client: Client, db: None, provider: Provider, body: bytes) -> None:
    provider.said[DISCOVERY] = 200, body
    check_refused(client, client.post("/login/sso/"))


@pytest.mark.parametrize("path", [DISCOVERY, TOKEN, USER])
@pytest.mark.parametrize("status", [400, 404, 429, 500, 503])
def test_it_says_so_when_the_provider_fails(
    client: Client, db: None, provider: Provider, path: str, status: int
) -> None:
    provider.said[path] = status, b"{}"
    check_refused(client, client.post("/login/sso/") if path == DISCOVERY else come_back(client))


@pytest.mark.parametrize("path", [DISCOVERY, TOKEN, USER])
def test_it_waits_for_no_provider_that_hangs(client: Client, db: None, provider: Provider, path: str) -> None:
    provider.slow.add(path)
    check_refused(client, client.post("/login/sso/") if path == DISCOVERY else come_back(client))


@pytest.mark.parametrize("path", [TOKEN, USER])
@pytest.mark.parametrize("body", NONSENSE)
def test_it_refuses_answers_that_are_none(client: Client, db: None, provider: Provider, path: str, body: bytes) -> None:
    provider.said[path] = 200, body
    check_refused(client, come_back(client))


@pytest.mark.parametrize(
    "body",
    [
        b'{"access_token": "t"}',
        b'{"access_token": 5, "id_token": 5}',
        b'{"access_token": "t", "id_token": "a.b.c"}',
        b'{"access_token": "t", "id_token": "x", "expires_in": "soon"}',
    ],
)
def test_it_refuses_whoever_comes_without_an_id_token(
    client: Client, db: None, provider: Provider, body: bytes
) -> None:
    provider.said[TOKEN] = 200, body
    check_refused(client, come_back(client))


@pytest.mark.parametrize(
    "claims",
    [{"sub": "bob"}, {"aud": "another"}, {"iss": "https://evil.example"}, {"exp": 1}],
    ids=["subject", "audience", "issuer", "expired"],
)
def test_it_refuses_an_id_token_of_something_else(
    client: Client, db: None, provider: Provider, claims: dict[str, Any]
) -> None:
    provider.id_claims = claims
    check_refused(client, come_back(client))


@pytest.mark.parametrize("sub", [None, "", [], "x" * 500])
def test_it_refuses_somebody_without_a_name_to_go_by(client: Client, db: None, provider: Provider, sub: Any) -> None:
    provider.claims = person(sub, email="alice@example.org")
    provider.id_claims = {"sub": str(sub)}
    check_refused(client, come_back(client))


@pytest.mark.parametrize("email", [None, 5, "", "alice", [], "alice@", "a@b@example.org", "x" * 300 + "@example.org"])
def test_it_refuses_what_is_no_address(client: Client, db: None, provider: Provider, email: Any) -> None:
    provider.claims = person("alice", email=email)
    check_refused(client, come_back(client))


@pytest.mark.parametrize("name", ["a\0b", "a\ud800b"])
def test_it_refuses_what_cannot_be_kept(client: Client, db: None, provider: Provider, name: str) -> None:
    provider.claims = person("alice", name=name)
    check_refused(client, come_back(client))
