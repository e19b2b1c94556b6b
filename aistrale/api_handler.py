"""Requests of programs, each served in one go by one of a few threads that stay.

Django's own handler goes to and fro between the event loop and a new thread four times for each request, so that pages
can be asynchronous in part. Nothing of the API is, and that way costs several times what a read of it does.
"""

from __future__ import annotations

from asyncio import get_running_loop
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from typing import Any

from django.core.handlers.asgi import ASGIRequest
from django.core.handlers.base import BaseHandler
from django.http.response import HttpResponseBase
from django.urls import set_script_prefix

from accounts.api.errors import PREFIXES, ApiError, respond
from aistrale.base_path import path_of

Application = Callable[..., Awaitable[None]]
Headers = list[tuple[bytes, bytes]]


class ApiHandler(BaseHandler):
    """The same middleware and views as for pages, which all others than programs get from ``pages``."""

    def __init__(self, pages: Application, *, threads: int) -> None:
        super().__init__()
        self.load_middleware()
        self._pages = pages
        self._threads = ThreadPoolExecutor(threads, "api")

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        if not path_of(scope).startswith(PREFIXES):
            return await self._pages(scope, receive, send)
        body = await _body(receive)
        if body is None:
            return
        # In the context of the thread, where clients of the database and of Redis stay from one request to the next.
        answer = get_running_loop().run_in_executor(self._threads, self._serve, scope, body)
        status, headers, content = await answer
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": content})

    def _serve(self, scope: dict[str, Any], body: bytes) -> tuple[int, Headers, bytes]:
        set_script_prefix(scope.get("root_path", ""))
        response = self._response_to(scope, body)
        try:
            return response.status_code, _headers(response), b"".join(response)
        finally:
            # Which gives the database connection back as well, so that no request begins with one to be closed.
            response.close()

    def _response_to(self, scope: dict[str, Any], body: bytes) -> HttpResponseBase:
        try:
            request = ASGIRequest(scope, BytesIO(body))
        except UnicodeDecodeError:
            return respond(ApiError(400, "bad_request", "The address is not UTF-8."))
        return self.get_response(request)


async def _body(receive: Any) -> bytes | None:
    """None where the program has gone before all of it had come."""
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body += message.get("body", b"")
        if not message.get("more_body", False):
            return bytes(body)


def _headers(response: HttpResponseBase) -> Headers:
    return [(name.encode("ascii"), value.encode("latin1")) for name, value in response.items()]
