"""Readers of a stream: straight from the provider, and through a chat page's socket.

Both are bare protocols, so that reading hundreds of streams costs little beside what is measured.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import re
import time
from dataclasses import dataclass, field
from uuid import uuid4

# In the middle of a paragraph or at its beginning.
STAMP = re.compile(rb"[ >](\d{9,})")
# Nobody asks in the moment in which a page opens.
SPACE_SECONDS = 0.1


@dataclass
class Reading:
    """What one reader saw. All times in seconds; ``delays`` and ``arrivals`` have one value per chunk.

    ``to_provider`` is from the question to the moment at which the provider had it and sent the first chunk.
    """

    first_token: float = 0.0
    to_provider: float = 0.0
    delays: list[float] = field(default_factory=list)
    arrivals: list[float] = field(default_factory=list)

    def gaps(self, start: float, end: float) -> list[float]:
        """The times between chunks that arrived within these moments."""
        pairs = zip(self.arrivals, self.arrivals[1:], strict=False)
        return [later - earlier for earlier, later in pairs if start <= earlier and later <= end]


class Reader(asyncio.Protocol):
    """Counts the time stamps that come by; done when ``chunks`` of them were seen."""

    def __init__(self, chunks: int) -> None:
        self.reading = Reading()
        self.done: asyncio.Future[Reading] = asyncio.get_running_loop().create_future()
        self._chunks = chunks
        self._last = 0

    def start(self) -> None:
        self._started = time.monotonic()

    def data_received(self, data: bytes) -> None:
        now = time.monotonic()
        for stamp in STAMP.findall(data):
            sent = int(stamp)
            if sent > self._last:  # what is rendered is sent once more
                self._last = sent
                self._note(now, sent / 1e6)
        if len(self.reading.delays) >= self._chunks and not self.done.done():
            self.done.set_result(self.reading)

    def _note(self, now: float, sent: float) -> None:
        if not self.reading.delays:
            self.reading.first_token = now - self._started
            self.reading.to_provider = sent - self._started
        self.reading.delays.append(now - sent)
        self.reading.arrivals.append(now)

    def connection_lost(self, error: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(ConnectionError(f"lost after {len(self.reading.delays)} chunks"))


async def read_directly(port: int, chunks: int, *, key: str = "") -> Reading:
    """``key``: of a proxy that asks for one."""
    transport, reader = await asyncio.get_running_loop().create_connection(lambda: Reader(chunks), "127.0.0.1", port)
    body = json.dumps({"model": str(chunks), "stream": True, "messages": [{"role": "user", "content": "Hi"}]}).encode()
    head = ["POST /v1/chat/completions HTTP/1.1", "Host: localhost", f"Content-Length: {len(body)}"]
    head += ["Content-Type: application/json", f"Authorization: Bearer {key}"]
    reader.start()
    transport.write("\r\n".join([*head, "", ""]).encode() + body)
    try:
        return await reader.done
    finally:
        transport.close()


class SocketReader(Reader):
    """A WebSocket just far enough: sends one message, reads frames of the server, which are not masked."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def data_received(self, data: bytes) -> None:
        if not self.opened.done():
            if not data.startswith(b"HTTP/1.1 101"):
                self.opened.set_exception(ConnectionError(data[:200].decode("latin-1")))
                return
            self.opened.set_result(None)
        super().data_received(data)


async def read_through_socket(
    port: int, chunks: int, *, path: str, cookie: str, parent: int | None = None, space: float = SPACE_SECONDS
) -> Reading:
    """``parent``: the message of the conversation below which the question goes."""
    transport, reader = await asyncio.get_running_loop().create_connection(
        lambda: SocketReader(chunks), "127.0.0.1", port
    )
    try:
        transport.write(handshake(port, path, cookie))
        await reader.opened
        message = {"type": "run", "text": "Hi", "provider": "openai", "model": str(chunks), "client_id": str(uuid4())}
        frame = text_frame(json.dumps(message | ({"parent": parent} if parent else {})).encode())
        await asyncio.sleep(space)
        reader.start()
        transport.write(frame)
        return await reader.done
    finally:
        transport.close()


def handshake(port: int, path: str, cookie: str) -> bytes:
    key = base64.b64encode(os.urandom(16)).decode()
    lines = [
        f"GET {path} HTTP/1.1",
        f"Host: 127.0.0.1:{port}",
        f"Origin: http://127.0.0.1:{port}",
        f"Cookie: {cookie}",
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        f"Sec-WebSocket-Key: {key}",
    ]
    return "\r\n".join([*lines, "", ""]).encode()


def text_frame(payload: bytes) -> bytes:
    """A masked frame, as RFC 6455 wants it of clients; a mask of zeros leaves the payload as it is."""
    if len(payload) > 65_535:
        raise ValueError("longer messages are not needed here")
    length = bytes([0x80 | len(payload)]) if len(payload) < 126 else bytes([0x80 | 126]) + len(payload).to_bytes(2)
    return b"\x81" + length + b"\0\0\0\0" + payload
