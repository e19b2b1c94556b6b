"""Which pages may open sockets."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from pytest_django import Settings

from aistrale.origins import OwnPages

OWN = "http://127.0.0.1:8000"


def is_let_in(origin: str | None, host: str = "127.0.0.1:8000") -> bool:
    reached = []

    async def application(scope: Any, receive: Any, send: Any) -> None:
        reached.append(scope)

    async def receive() -> dict[str, str]:
        return {"type": "websocket.connect"}

    async def send(message: dict[str, Any]) -> None:
        assert message["type"] == "websocket.close"
        raise asyncio.CancelledError

    headers = [(b"host", host.encode()), *([(b"origin", origin.encode())] if origin else [])]
    scope = {"type": "websocket", "path": "/ws/", "headers": headers}
    try:
        asyncio.run(OwnPages(application)(scope, receive, send))
    except asyncio.CancelledError:
        assert not reached
    return bool(reached)


@pytest.mark.parametrize(
    ("origin", "host"),
    [(OWN, "127.0.0.1:8000"), (OWN, "inner:80"), ("http://localhost:8000", "localhost:8000")],
    ids=["the public address", "behind a proxy with a name of its own", "another name of the server"],
)
def test_it_lets_pages_of_the_site_in(origin: str, host: str) -> None:
    assert is_let_in(origin, host)


@pytest.mark.parametrize(
    "origin",
    [
        None,
        "null",
        "https://evil.example",
        "http://127.0.0.1",
        "http://127.0.0.1:9999",
        "http://localhost:8000",
        "https://127.0.0.1:8000",
        "ftp://127.0.0.1:8000",
        "http://127.0.0.1:8000.evil.example",
        "http://127.0.0.1:8000/",
        "http://evil@127.0.0.1:8000",
    ],
)
def test_it_refuses_every_other_origin(origin: str | None) -> None:
    assert not is_let_in(origin)


@pytest.mark.parametrize("hosts", [["127.0.0.1"], ["*"]], ids=["named", "any"])
def test_it_refuses_a_name_that_was_made_to_lead_here(hosts: list[str], settings: Settings) -> None:
    settings.ALLOWED_HOSTS = hosts
    assert not is_let_in("http://evil.example:8000", "evil.example:8000")


def test_it_refuses_http_where_the_site_is_https(settings: Settings) -> None:
    settings.HTTPS, settings.CSRF_TRUSTED_ORIGINS = True, ["https://aistrale.test"]
    settings.ALLOWED_HOSTS = ["aistrale.test"]
    tried = ("https://aistrale.test", "http://aistrale.test", "https://aistrale.test:8443")
    assert [is_let_in(origin, "aistrale.test") for origin in tried] == [True, False, False]
