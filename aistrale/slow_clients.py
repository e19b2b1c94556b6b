"""WebSockets of browsers that read slowly, or not at all.

daphne itself would keep in memory whatever is sent. Here ``send`` waits while the connection's buffer is full, and a
browser that has not emptied it for too long is disconnected. It connects again and asks for what is stored. To be
imported when the reactor is installed.
"""

from __future__ import annotations

import asyncio
import socket
import time
from typing import Any

import structlog
from autobahn.exception import Disconnected
from daphne.server import Server
from daphne.ws_protocol import WebSocketFactory, WebSocketProtocol
from django.conf import settings

# https://www.iana.org/assignments/websocket/websocket.xhtml#close-code-number, read on 2026-11-23
TRY_AGAIN = 1013
# Linux would let the kernel keep some megabytes for each connection, all of which would be rendered for a client that
# reads nothing. It doubles this, which is enough for 1 MB/s at 100 ms.
KERNEL_BYTES = 64 * 1024
WAKING_SECONDS = 5.0

log = structlog.get_logger(__name__)


class BoundedProtocol(WebSocketProtocol):
    """The transport says by ``pauseProducing`` that its buffer is full, by ``resumeProducing`` that it is empty."""

    closeHandshakeTimeout: float
    _full_since: float | None = None
    _close_reason: str | None = None

    def connectionMade(self) -> None:
        self.has_room = asyncio.Event()
        self.has_room.set()
        self.transport.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, KERNEL_BYTES)
        # Until the handshake, the HTTP channel was asked to pause.
        self.transport.unregisterProducer()
        self.transport.registerProducer(self, True)
        super().connectionMade()

    def pauseProducing(self) -> None:
        """Called at every write while the buffer is full."""
        if self._full_since is None:
            self._full_since = time.monotonic()
            self.has_room.clear()
            # Its answers would wait here as well, and its questions meanwhile.
            self.transport.pauseProducing()

    def resumeProducing(self) -> None:
        if self._full_since is not None:
            self._full_since = None
            self.has_room.set()
            self.transport.resumeProducing()

    def stopProducing(self) -> None:
        """The connection is lost: see ``connectionLost``, which autobahn calls in any case."""

    def connectionLost(self, reason: Any) -> None:
        self.has_room.set()
        super().connectionLost(reason)

    def serverSend(self, content: str | bytes, binary: bool = False) -> None:
        """As one frame. autobahn applies the limit of what is received to what is sent, and rendered text is longer."""
        if self.state == self.STATE_CONNECTING:
            self.serverAccept()
        if self.state != self.STATE_OPEN:
            raise Disconnected("The socket is closed.")
        self.sendFrame(2 if binary else 1, content.encode() if isinstance(content, str) else content)

    def sendData(self, data: bytes, sync: bool = False, chopsize: int | None = None) -> None:
        """autobahn colours what it would log of each frame, which takes longer than all else about it.

        What nothing waits before is written now, and not in the reactor's next round.
        """
        self.transport.write(data)
        # At its end, the reactor has to hear what this returns.
        if self._full_since is None and self.transport.connected and not self.transport.disconnecting:
            self.transport.doWrite()

    def handle_reply(self, message: dict[str, Any]) -> None:
        """daphne drops the reason of a close."""
        self._close_reason = message.get("reason")
        super().handle_reply(message)

    def serverClose(self, code: int | None = None) -> None:
        """autobahn sends no code that was registered after RFC 6455, such as that for "try again later"."""
        if code == TRY_AGAIN:
            reason = self._close_reason.encode() if self._close_reason else None
            self.sendCloseFrame(code=code, reasonUtf8=reason, isReply=False)
        else:
            super().serverClose(code)

    def check_timeouts(self) -> None:
        """daphne calls it every two seconds."""
        full_for = 0.0 if self._full_since is None else time.monotonic() - self._full_since
        if full_for > settings.SLOW_CLIENT_SECONDS and self.state == self.STATE_OPEN:
            log.warning("slow_client_closed", client=self.client_addr, seconds=round(full_for))
            # Whoever wakes up within this time reads it behind what is in the buffer. Then autobahn cuts the line.
            self.closeHandshakeTimeout = WAKING_SECONDS
            self.sendCloseFrame(code=TRY_AGAIN, reasonUtf8=b"slow client")
        else:
            super().check_timeouts()


class PatientServer(Server):
    """Lets the application wait in ``send`` until the browser has read enough of what was sent before.

    ``ports`` are those that it listens on, as Twisted has them.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.ports: list[Any] = []

    def listen_success(self, port: Any) -> None:
        self.ports.append(port)
        super().listen_success(port)

    async def handle_reply(self, protocol: Any, message: dict[str, Any]) -> None:
        if message["type"] == "websocket.send" and not protocol.has_room.is_set():
            await protocol.has_room.wait()
        await super().handle_reply(protocol, message)


def bound_sockets() -> None:
    WebSocketFactory.protocol = BoundedProtocol
