"""The HTTP clients under the provider SDKs: one connection pool for each event loop, and the rules for every call.

Proxies from the environment are ignored, redirects refused, certificates verified, cookies dropped, compressed
answers refused (they could unfold without end), and every body that is not an event stream is read up to a size.
An HTTP error becomes a ``ProviderError`` here, before an SDK sees it, so that all five map alike.

openai, anthropic, google-genai and huggingface_hub stand on httpx2, groq on httpx: the same classes in two families.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from functools import lru_cache
from types import TracebackType
from typing import Self, TypeVar

import httpx
import httpx2

from inference.providers.errors import BadRequest, StreamBroken
from inference.providers.failures import from_response
from inference.providers.limits import Limits

R = TypeVar("R")

MAX_BODY_BYTES = 8_000_000

_IDLE_CONNECTIONS = 50
_IDLE_SECONDS = 60.0
_HEADERS = {"Accept-Encoding": "identity"}


@dataclass(frozen=True)
class HttpClients:
    modern: httpx2.AsyncClient
    legacy: httpx.AsyncClient
    transport: httpx2.AsyncBaseTransport


async def http_clients() -> HttpClients:
    """The clients of the running event loop. They close with it, when it shuts its generators down."""
    loop = asyncio.get_running_loop()
    if loop not in _keepers:
        _keepers[loop] = _keep(loop)
        _clients[loop] = await anext(_keepers[loop])
    return _clients[loop]


_keepers: dict[asyncio.AbstractEventLoop, AsyncGenerator[HttpClients, None]] = {}
_clients: dict[asyncio.AbstractEventLoop, HttpClients] = {}


async def _keep(loop: asyncio.AbstractEventLoop) -> AsyncGenerator[HttpClients, None]:
    limits = httpx2.Limits(max_keepalive_connections=_IDLE_CONNECTIONS, keepalive_expiry=_IDLE_SECONDS)
    legacy_limits = httpx.Limits(max_keepalive_connections=_IDLE_CONNECTIONS, keepalive_expiry=_IDLE_SECONDS)
    transport = _ModernTransport(verify=tls(), limits=limits, trust_env=False)
    legacy_transport = _LegacyTransport(verify=tls(), limits=legacy_limits, trust_env=False)
    modern = httpx2.AsyncClient(transport=transport, headers=_HEADERS, trust_env=False)
    legacy = httpx.AsyncClient(transport=legacy_transport, headers=_HEADERS, trust_env=False)
    async with modern, legacy:
        try:
            yield HttpClients(modern, legacy, transport)
        finally:
            del _keepers[loop], _clients[loop]


@lru_cache
def tls() -> ssl.SSLContext:
    """Reading the certificate authorities takes tens of milliseconds: once is enough."""
    return httpx2.create_ssl_context(trust_env=False)


@asynccontextmanager
async def opened(call: AbstractAsyncContextManager[R], limits: Limits) -> AsyncIterator[R]:
    """Enter an SDK's streaming call under the limits; leaving closes its connection unless it was read to the end."""
    response = await limits.within(call.__aenter__())
    try:
        yield response
    finally:
        await call.__aexit__(None, None, None)


class Tap(httpx2.AsyncBaseTransport):
    """Lets an SDK that has no raw mode send a request, and keeps the answer for us to read.

    google-genai and huggingface_hub build objects from every chunk, at many times the cost of decoding it. They are
    given ``client``, take care of address, headers and body, and see an empty answer; ``response`` is the real one.
    """

    def __init__(self, transport: httpx2.AsyncBaseTransport, *, connect: float) -> None:
        self.client = httpx2.AsyncClient(transport=self, headers=_HEADERS, trust_env=False)
        self._transport = transport
        self._timeout = httpx2.Timeout(None, connect=connect)
        self._response: httpx2.Response | None = None

    @property
    def response(self) -> httpx2.Response:
        if self._response is None:
            raise StreamBroken("The call was never sent.")
        return self._response

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        request.extensions["timeout"] = self._timeout.as_dict()
        self._response = await self._transport.handle_async_request(request)
        return httpx2.Response(200, headers={"content-type": "text/event-stream"}, stream=httpx2.ByteStream(b""))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None = None,
        error: BaseException | None = None,
        trace: TracebackType | None = None,
    ) -> None:
        if self._response is not None:
            await self._response.aclose()


class _ModernTransport(httpx2.AsyncHTTPTransport):
    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        response = await super().handle_async_request(request)
        response.headers.pop("set-cookie", None)
        if _is_stream(response.status_code, response.headers):
            return response
        try:
            body = await _read(response.status_code, response.headers, response.aiter_raw())
        finally:
            await response.aclose()
        return httpx2.Response(response.status_code, headers=response.headers, stream=httpx2.ByteStream(body))


class _LegacyTransport(httpx.AsyncHTTPTransport):
    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await super().handle_async_request(request)
        response.headers.pop("set-cookie", None)
        if _is_stream(response.status_code, response.headers):
            return response
        try:
            body = await _read(response.status_code, response.headers, response.aiter_raw())
        finally:
            await response.aclose()
        return httpx.Response(response.status_code, headers=response.headers, stream=httpx.ByteStream(body))


def _is_stream(status: int, headers: Mapping[str, str]) -> bool:
    is_plain = headers.get("content-encoding", "identity") == "identity"
    return status == 200 and is_plain and headers.get("content-type", "").startswith("text/event-stream")


async def _read(status: int, headers: Mapping[str, str], body: AsyncIterable[bytes]) -> bytes:
    """The whole body of a good answer. Raises the ``ProviderError`` that any other answer stands for."""
    if 300 <= status < 400:
        raise BadRequest("The address answers with a redirect, which is not followed.", status=status)
    if headers.get("content-encoding", "identity") != "identity":
        raise StreamBroken("The provider sent a compressed answer that nobody asked for.", status=status)
    content = bytearray()
    async for part in body:
        content += part
        if len(content) > MAX_BODY_BYTES:
            raise StreamBroken(f"The provider sent more than {MAX_BODY_BYTES:,} bytes.", status=status)
    if status >= 400:
        raise from_response(status, headers, bytes(content))
    return bytes(content)
