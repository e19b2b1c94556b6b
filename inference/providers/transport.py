"""The HTTP clients under the provider SDKs: one connection pool for each event loop, and the rules for every call.

Proxies from the environment are ignored, redirects refused, certificates verified, cookies dropped, compressed
answers refused (they could unfold without end), and every body that is not an event stream is read up to a size.

openai, anthropic, google-genai and huggingface_hub stand on httpx2, groq on httpx: the same classes in two families.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

import httpx
import httpx2

from inference.providers.errors import BadRequest, StreamBroken
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


@asynccontextmanager
async def opened(call: AbstractAsyncContextManager[R], limits: Limits) -> AsyncIterator[R]:
    """Enter an SDK's streaming call under the limits; leaving closes its connection unless it was read to the end."""
    response = await limits.within(call.__aenter__())
    try:
        yield response
    finally:
        await call.__aexit__(None, None, None)


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
    modern = httpx2.AsyncClient(transport=modern_transport(), headers=_HEADERS, trust_env=False)
    legacy_limits = httpx.Limits(max_keepalive_connections=_IDLE_CONNECTIONS, keepalive_expiry=_IDLE_SECONDS)
    legacy = httpx.AsyncClient(
        transport=_LegacyTransport(verify=_tls(), limits=legacy_limits, trust_env=False),
        headers=_HEADERS,
        trust_env=False,
    )
    async with modern, legacy:
        try:
            yield HttpClients(modern, legacy)
        finally:
            del _keepers[loop], _clients[loop]


def modern_transport() -> httpx2.AsyncBaseTransport:
    limits = httpx2.Limits(max_keepalive_connections=_IDLE_CONNECTIONS, keepalive_expiry=_IDLE_SECONDS)
    return _ModernTransport(verify=_tls(), limits=limits, trust_env=False)


@lru_cache
def _tls() -> ssl.SSLContext:
    """Reading the certificate authorities takes tens of milliseconds: once is enough."""
    return httpx2.create_ssl_context(trust_env=False)


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
    return (
        status == 200
        and headers.get("content-type", "").startswith("text/event-stream")
        and "content-encoding" not in headers
    )


async def _read(status: int, headers: Mapping[str, str], body: AsyncIterable[bytes]) -> bytes:
    if 300 <= status < 400:
        raise BadRequest("The address answers with a redirect, which is not followed.", status=status)
    if headers.get("content-encoding", "identity") != "identity":
        raise StreamBroken("The provider sent a compressed answer that nobody asked for.", status=status)
    parts = bytearray()
    async for part in body:
        parts += part
        if len(parts) > MAX_BODY_BYTES:
            raise StreamBroken(f"The provider sent more than {MAX_BODY_BYTES:,} bytes.", status=status)
    return bytes(parts)
