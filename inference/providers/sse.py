"""Reads the JSON payloads of a server-sent event stream, cheaply: this runs for every token of every answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, suppress
from typing import Any, Protocol, cast

import orjson

from inference.providers.errors import StreamBroken
from inference.providers.limits import Limits

MAX_LINE_BYTES = 1_000_000
MAX_ANSWER_BYTES = 64_000_000
END_MARK = b"[DONE]"
# After the end mark: how long the rest of the body may take.
DRAIN_SECONDS = 0.25


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
        more, complete = True, False
        async with limits.watching():
            while more and not complete:
                chunk = await limits.next_chunk(body)
                more = bool(chunk)
                # An answer may end without the newline that ends its last line.
                for data in lines.feed(chunk or b"\n"):
                    if complete := data == END_MARK:
                        break
                    if data:
                        yield decode(data)
        await _drain(body)


async def _drain(body: AsyncIterator[bytes]) -> None:
    """Read to the end of the body, or the connection cannot serve the next call. Not worth a long wait."""
    with suppress(TimeoutError):
        async with asyncio.timeout(DRAIN_SECONDS):
            async for _ in body:
                pass


def decode(data: bytes) -> Any:
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        raise StreamBroken("The provider sent something that is not JSON.") from None
