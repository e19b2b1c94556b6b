"""Requests with more in them than any form of ours: cut off while they arrive.

daphne itself would write all of it to disk before anybody is asked whether it may. To be imported when the reactor is
installed.
"""

from __future__ import annotations

from typing import Any

from daphne import http_protocol
from django.conf import settings

# Beyond what Django takes of a form (DATA_UPLOAD_MAX_MEMORY_SIZE), so that it is Django's page that tells of most.
MOST_BYTES = 4 * 1024 * 1024
# Files come to this address alone; a little more than one may have, so that it is the page that says so.
UPLOAD_PATH, MOST_UPLOADED_BYTES = f"{settings.BASE_PATH}/chat/files/".encode(), 21 * 1024 * 1024
_REFUSAL = b"HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


class BoundedRequest(http_protocol.WebRequest):
    _bytes = 0
    _most = MOST_BYTES
    _is_refused = False

    def gotLength(self, length: int | None) -> None:
        """Called when the headers are there; None where the body comes in chunks."""
        super().gotLength(length)
        # The request learns its address only when all of it is there.
        self._most = MOST_UPLOADED_BYTES if self.channel._path == UPLOAD_PATH else MOST_BYTES
        if length is not None and length > self._most:
            self._refuse()

    def handleContentChunk(self, data: bytes) -> None:
        self._bytes += len(data)
        if self._bytes > self._most:
            self._refuse()
        if not self._is_refused:
            super().handleContentChunk(data)

    def process(self) -> Any:
        """What had arrived already may have brought the end of the body."""
        return None if self._is_refused else super().process()

    def _refuse(self) -> None:
        if not self._is_refused:
            self._is_refused = True
            self.channel.transport.write(_REFUSAL)
            self.channel.loseConnection()


def bound_bodies() -> None:
    http_protocol.WebRequest = BoundedRequest
