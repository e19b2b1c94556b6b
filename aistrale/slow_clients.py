"""WebSockets of browsers that do not read what they are sent: cut after a while, or when too much waits for them.

daphne itself would keep everything in memory. Whoever is cut connects again and asks for what is stored. To be
imported when the reactor is installed.
"""

from __future__ import annotations

import time
from typing import Any

from daphne.ws_protocol import WebSocketFactory, WebSocketProtocol
from django.conf import settings

# https://www.iana.org/assignments/websocket/websocket.xhtml#close-code-number, read on 2026-11-23
TRY_AGAIN = 1013
# A whole long answer, painted anew, fits into it several times.
UNREAD_BYTES = 4 * 1024 * 1024


class BoundedProtocol(WebSocketProtocol):
    """The transport says by ``pauseProducing`` that its buffer is full, by ``resumeProducing`` that it is empty."""

    maxMessagePayloadSize: int
    _full_since: float | None = None
    _unread_bytes = 0
    _close_reason: str | None = None

    def connectionMade(self) -> None:
        # Until the handshake, the HTTP channel was asked to pause.
        self.transport.unregisterProducer()
        self.transport.registerProducer(self, True)
        super().connectionMade()

    def pauseProducing(self) -> None:
        """Called at every write while the buffer is full."""
        if self._full_since is None:
            self._full_since, self._unread_bytes = time.monotonic(), 0

    def resumeProducing(self) -> None:
        self._full_since = None

    def stopProducing(self) -> None:
        """The connection is lost, which daphne hears in another way."""

    def serverSend(self, content: Any, binary: bool = False) -> None:
        if self._full_since is not None:
            self._unread_bytes += len(content)
            if self._unread_bytes > UNREAD_BYTES:
                self.transport.abortConnection()
                return
        super().serverSend(content, binary)

    def sendMessage(self, payload: bytes, *arguments: Any, **options: Any) -> None:
        """autobahn applies the limit of what is received to what is sent as well, and painted text is much longer."""
        limit, self.maxMessagePayloadSize = self.maxMessagePayloadSize, 0
        try:
            super().sendMessage(payload, *arguments, **options)
        finally:
            self.maxMessagePayloadSize = limit

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
        if self._full_since is not None and time.monotonic() - self._full_since > settings.SLOW_CLIENT_SECONDS:
            self.transport.abortConnection()
        else:
            super().check_timeouts()


def cut_slow_clients() -> None:
    WebSocketFactory.protocol = BoundedProtocol
