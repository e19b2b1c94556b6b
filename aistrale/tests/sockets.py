"""Chat sockets as tests open them, and what is sent and heard on them."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest_asyncio
from channels.testing import WebsocketCommunicator
from django.conf import settings
from django.test import Client

if TYPE_CHECKING:
    from accounts.models import User

ORIGIN = "http://127.0.0.1:8000"
Open = Callable[..., Awaitable[tuple[WebsocketCommunicator, bool, int | str | None]]]


@pytest_asyncio.fixture
async def open_socket(client_of: Callable[[User], Client]) -> AsyncIterator[Open]:
    """``await open_socket(user, path, origin=)`` gives the socket, whether it was accepted, and the close code."""
    # Only here are the test's settings in force, which the middleware reads when it is made.
    from aistrale.asgi import application
    from aistrale.process import runs
    from inference.runs.database import in_thread

    await runs.open()
    opened: list[WebsocketCommunicator] = []

    async def connect(
        user: User | None, path: str, *, origin: str | None = ORIGIN
    ) -> tuple[WebsocketCommunicator, bool, int | str | None]:
        headers = [(b"origin", origin.encode())] if origin else []
        if user is not None:
            client = await in_thread(client_of)(user)
            headers.append((b"cookie", f"{settings.SESSION_COOKIE_NAME}={client.session.session_key}".encode()))
        socket = WebsocketCommunicator(application, path, headers=headers)
        accepted, code = await socket.connect(timeout=30)
        opened.append(socket)
        return socket, accepted, code

    yield connect
    try:
        for socket in opened:
            await socket.disconnect()
    finally:
        await runs.close()
        # Other tests in this process ask whether it is ready.
        runs.is_draining = False


def new_path(user: User) -> str:
    from inference.chat.new_conversation_token import reserve

    return f"/ws/chat/new/{reserve(user).signed}/"


def question(**changes: Any) -> str:
    message = {"type": "run", "text": "Hello", "provider": "echo", "model": "echo", "client_id": str(uuid4())}
    return json.dumps(message | {"param-delay_ms": 0, "param-length": 20} | changes)


async def everything(socket: WebsocketCommunicator, *, until: str) -> str:
    received = ""
    while until not in received:
        received += str(await socket.receive_from(timeout=30))
    return received


async def closed(socket: WebsocketCommunicator) -> int:
    """The code of the close, whatever comes before it."""
    while (message := await socket.receive_output(timeout=30))["type"] != "websocket.close":
        continue
    return int(message["code"])
