from __future__ import annotations

import asyncio
from io import BytesIO
from typing import Any

import pytest
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpResponse

from aistrale import page_queue
from aistrale.middleware import BusyMiddleware
from aistrale.page_queue import REFUSED, PageQueue


class Application:
    """Begins each answer when it is told to, and takes its time to end it."""

    def __init__(self) -> None:
        self.served: list[str] = []
        self.refused: list[str] = []
        self.begin, self.end = asyncio.Event(), asyncio.Event()

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        if REFUSED in scope:
            return self.refused.append(scope["path"])
        self.served.append(scope["path"])
        await self.begin.wait()
        if scope["path"] == "/broken/":
            raise LookupError
        await send({"type": "http.response.start"})
        await self.end.wait()


@pytest.fixture
async def application() -> Application:
    return Application()


async def sent(message: dict[str, Any]) -> None:
    return None


async def ask(queue: PageQueue, *paths: str) -> list[asyncio.Task[None]]:
    tasks = [asyncio.create_task(queue({"type": "http", "path": path}, None, sent)) for path in paths]
    await asyncio.sleep(0.02)
    return tasks


async def test_it_serves_pages_in_the_order_in_which_they_were_asked_for(application: Application) -> None:
    await ask(PageQueue(application, at_once=1), *"abcde")
    assert application.served == ["a"]
    application.begin.set()
    await asyncio.sleep(0.02)
    assert application.served == [*"abcde"]


async def test_it_goes_on_to_the_next_when_an_answer_starts_however_long_it_takes(application: Application) -> None:
    tasks = await ask(PageQueue(application, at_once=1), "export", "page")
    application.begin.set()
    await asyncio.sleep(0.02)
    assert application.served == ["export", "page"] and not tasks[0].done()


async def test_it_goes_on_after_a_page_that_breaks(application: Application) -> None:
    await ask(queue := PageQueue(application, at_once=1), "/broken/")
    application.begin.set()
    await ask(queue, "page")
    assert application.served == ["/broken/", "page"]


async def test_it_says_at_once_that_the_server_is_alive(application: Application) -> None:
    queue = PageQueue(application, at_once=1)
    await ask(queue, "page", "page")
    await ask(queue, "/health/live")
    assert application.served == ["page", "/health/live"]


async def test_it_refuses_what_has_waited_for_too_long(
    application: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page_queue, "LONGEST_WAIT_SECONDS", 0.1)
    _, late = await ask(PageQueue(application, at_once=1), "served", "late")
    await late
    assert (application.served, application.refused) == (["served"], ["late"])


def test_it_answers_what_is_refused_with_503_and_when_to_try_again() -> None:
    scope = {"type": "http", "path": "/", "method": "GET", "headers": [], "query_string": b"", REFUSED: True}
    response = BusyMiddleware(lambda request: HttpResponse())(ASGIRequest(scope, BytesIO()))
    assert (response.status_code, response.headers["Retry-After"]) == (503, "5")
    assert "Server busy" in response.content.decode()
