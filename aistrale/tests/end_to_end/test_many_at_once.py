"""Many people at a real server at the same moment."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import httpx2
import pytest
import redis

from aistrale.tests.end_to_end.browser import ADMIN, PASSWORD, Site, add_administrator, log_in_by_http, running_site

Send = Callable[[httpx2.AsyncClient], Awaitable[httpx2.Response]]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """Nobody is throttled in it, nor in other sites of this process afterwards, which have the same Redis."""
    with running_site(tmp_path) as site, redis.Redis.from_url(site.environment["REDIS_URL"]) as store:
        add_administrator(site)
        yield site
        store.delete(*store.scan_iter("*login_failed*"), "nothing")


async def at_once(
    site: Site, times: int, send: Send, *, cookies: dict[str, str] | None = None
) -> list[httpx2.Response]:
    """From one address, each over a connection of its own."""
    clients = [
        httpx2.AsyncClient(base_url=site.url, headers={"Origin": site.url}, cookies=cookies, timeout=120)
        for _ in range(times)
    ]
    try:
        return await asyncio.gather(*map(send, clients))
    finally:
        await asyncio.gather(*(client.aclose() for client in clients))


def statuses(responses: list[httpx2.Response]) -> Counter[int]:
    return Counter(response.status_code for response in responses)


def log_in_at_once(site: Site, times: int, password: str) -> list[httpx2.Response]:
    page = httpx2.get(f"{site.url}/login/")
    token = re.findall(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)[0]
    fields = {"csrfmiddlewaretoken": token, "login": ADMIN, "password": password}
    cookies = dict(page.cookies)
    return asyncio.run(at_once(site, times, lambda client: client.post("/login/", data=fields), cookies=cookies))


def test_a_hundred_people_load_their_chat_at_once(site: Site) -> None:
    cookies = log_in_by_http(site.url, ADMIN)
    assert statuses(asyncio.run(at_once(site, 100, lambda client: client.get("/chat/"), cookies=cookies))) == {200: 100}


def test_fifty_right_passwords_at_once_get_in(site: Site) -> None:
    assert statuses(log_in_at_once(site, 50, PASSWORD)) == {302: 50}


def test_wrong_passwords_at_once_are_tried_no_more_often_than_one_after_the_other(site: Site) -> None:
    guesses = log_in_at_once(site, 30, "wrong")
    assert statuses(guesses) == {200: 10, 429: 20}
    assert all(270 <= int(guess.headers["Retry-After"]) <= 300 for guess in guesses if guess.status_code == 429)
    assert statuses(log_in_at_once(site, 1, PASSWORD)) == {429: 1}
