"""What a request says of where it comes from counts only if a configured proxy says it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from aistrale.forwarded import Forwarded

PROXY, STRANGER, CLIENT = "10.0.0.7", "203.0.113.9", "198.51.100.4"


def seen(peer: str | None, *headers: tuple[str, str], kind: str = "http") -> dict[str, Any]:
    """The scope as the application gets it."""
    scopes = []

    async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
        scopes.append(scope)

    scope = {
        "type": kind,
        "client": [peer, 4711] if peer else None,
        "headers": [(name.encode(), value.encode()) for name, value in headers],
    }
    asyncio.run(Forwarded(application, proxies=["10.0.0.0/29", "::1"])(scope, None, None))
    return scopes[0]


@pytest.mark.parametrize("kind", ["http", "websocket"])
def test_it_takes_the_client_from_a_configured_proxy(kind: str) -> None:
    scope = seen(PROXY, ("x-forwarded-for", CLIENT), ("x-forwarded-proto", "https"), kind=kind)
    assert scope["client"][0] == CLIENT
    assert (b"x-forwarded-proto", b"https") in scope["headers"]


@pytest.mark.parametrize("peer", [STRANGER, None])
def test_it_believes_nobody_else(peer: str | None) -> None:
    headers = [("x-forwarded-for", CLIENT), ("x-forwarded-proto", "https"), ("x-forwarded-host", "evil.example")]
    scope = seen(peer, *headers, ("accept", "text/html"))
    assert scope["headers"] == [(b"accept", b"text/html")]
    assert (scope["client"] or [None])[0] == peer


@pytest.mark.parametrize(
    "values",
    [
        [f"127.0.0.1, {CLIENT}"],
        [f"1.2.3.4, {CLIENT}, 10.0.0.3"],
        ["1.2.3.4", CLIENT],
        [f"unknown,,{CLIENT}"],
    ],
)
def test_it_takes_no_address_that_the_client_has_made_up(values: list[str]) -> None:
    assert seen(PROXY, *[("x-forwarded-for", value) for value in values])["client"][0] == CLIENT


@pytest.mark.parametrize("value", ["", "unknown", f"{CLIENT}, nonsense", "10.0.0.3"])
def test_it_keeps_the_proxy_where_the_client_is_not_told(value: str) -> None:
    assert seen(PROXY, ("x-forwarded-for", value))["client"][0] == PROXY
