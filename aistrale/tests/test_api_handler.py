from __future__ import annotations

import json
from typing import Any

import pytest
from asgiref.sync import async_to_sync

from accounts.models import User
from accounts.profile import api_keys
from aistrale.api_handler import ApiHandler
from prompts.models import Prompt

pytestmark = pytest.mark.django_db(transaction=True)
PROMPTS = "/api/public/v2/prompts"
END = {"type": "http.request", "body": b"", "more_body": False}


async def pages(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "page"})


@async_to_sync
async def ask(path: str, *messages: dict[str, Any], method: str = "GET", query: bytes = b"", secret: str = "") -> Any:
    """What is sent: nothing, or the start of the answer and its body."""
    headers = [(b"host", b"127.0.0.1"), (b"content-type", b"application/json")]
    headers += [(b"authorization", f"Bearer {secret}".encode())] if secret else []
    scope = {"type": "http", "method": method, "path": path, "query_string": query, "headers": headers}
    scope |= {"client": ["127.0.0.1", 50000], "http_version": "1.1", "scheme": "http"}
    left, sent = list(messages or [END]), []

    async def receive() -> Any:
        return left.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    await ApiHandler(pages, threads=1)(scope, receive, send)
    return sent


@pytest.fixture
def secret(alice: User) -> str:
    scopes = ["prompts:read", "prompts:write"]
    return api_keys.create(user=alice, label="CI", expires_at=None, scopes=scopes)[1]


def test_it_serves_programs_and_leaves_pages_to_others(secret: str) -> None:
    start, body = ask(PROMPTS, secret=secret)
    assert start["status"] == 200 and json.loads(body["body"])["data"] == []
    assert dict(start["headers"])[b"Content-Type"].startswith(b"application/json")
    assert ask("/chat/") == [{"type": "page"}]


def test_a_body_may_come_in_parts(secret: str) -> None:
    parts = [b'{"name": "a", ', b'"prompt": "Hi"}']
    messages = [{"type": "http.request", "body": part, "more_body": True} for part in parts]
    start, _ = ask(PROMPTS, *messages, END, method="POST", secret=secret)
    assert start["status"] == 201 and Prompt.objects.filter(name="a").exists()


def test_nothing_is_done_for_a_program_that_has_gone(secret: str) -> None:
    message = {"type": "http.request", "body": b'{"name": "a", "prompt": "Hi"}', "more_body": True}
    assert ask(PROMPTS, message, {"type": "http.disconnect"}, method="POST", secret=secret) == []
    assert not Prompt.objects.exists()


def test_an_address_that_is_not_utf_8_is_refused() -> None:
    start, body = ask(PROMPTS, query=b"name=\xff")
    assert start["status"] == 400 and json.loads(body["body"])["code"] == "bad_request"
