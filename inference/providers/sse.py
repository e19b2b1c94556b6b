"""Reads the JSON payloads of a server-sent event stream, cheaply: this runs for every token of every answer."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Any, Protocol, cast

import orjson

from inference.providers.errors import StreamBroken, Timeout
from inference.providers.limits import Limits

MAX_LINE_BYTES = 1_000_000
MAX_ANSWER_BYTES = 64_000_000
END_MARK = b"[DONE]"


class Body(Protocol):
    """A response of httpx or httpx2 whose body has not been read yet."""

    def aiter_raw(self) -> AsyncIterator[bytes]: ...


class Lines:
    """Cuts bytes, however they arrive, into the values of ``data:`` lines."""

    def __init__(self) -> None:
        self._rest = b""
        self._size = 0

    def feed(self, chunk: bytes) -> list[bytes]:
        self._size += len(chunk)
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        if len(self._rest) > MAX_LINE_BYTES or self._size > MAX_ANSWER_BYTES:
            raise StreamBroken("The provider sent more than an answer can hold.")
        return [line[5:].strip() for line in lines if line.startswith(b"data:")]


async def payloads(response: Body, limits: Limits) -> AsyncGenerator[Any, None]:
    """Every JSON value of the stream, up to its end mark or end. Raises ``StreamBroken`` for what is not JSON."""
    lines = Lines()
    # httpx promises less than it gives: this is a generator, and an open one would outlive the task.
    async with aclosing(cast(AsyncGenerator[bytes, None], response.aiter_raw())) as body:
        more = True
        while more:
            chunk = await limits.next_chunk(body)
            more = bool(chunk)
            # An answer may end without the newline that ends its last line.
            for data in lines.feed(chunk or b"\n"):
                if data == END_MARK:
                    await _drain(body, limits)
                    return
                if data:
                    yield decode(data)


async def _drain(body: AsyncIterator[bytes], limits: Limits) -> None:
    """Read to the end of the body, or the connection cannot serve the next call. Not worth a long wait."""
    limits.end()
    try:
        while await limits.next_chunk(body):
            pass
    except Timeout:
        return


def decode(data: bytes) -> Any:
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        raise StreamBroken("The provider sent something that is not JSON.") from None
