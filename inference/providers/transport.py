"""The connections under the provider SDKs: one pool for each event loop, and the rules for every call.

Calls go to public or trusted addresses only, proxies but that of the settings are ignored, redirects refused,
certificates verified, cookies dropped, compressed answers refused (they could unfold without end), and every body that
is not an event stream is read up to a size, that of an error for a short time. An HTTP error becomes a
``ProviderError`` here, before an SDK sees it, so that all five map alike.

The SDKs talk to httpx2 (groq to httpx), whose own transport takes three times as long for every chunk as aiohttp,
measured with both on one machine: so both families of clients get a transport that stands on aiohttp.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import OrderedDict
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Protocol, Self, TypeVar

import aiohttp
import httpx
import httpx2
from yarl import URL

from inference.providers.connecting import watched
from inference.providers.errors import BadRequest, ProviderError, StreamBroken
from inference.providers.failures import from_response
from inference.providers.timeouts import Limits
from tokens.allowed_hosts import TRUST
from tokens.outgoing import AddressRefused, PublicResolver, close_tunnels, proxy_for, tls

C = TypeVar("C")
R = TypeVar("R")

MAX_BODY_BYTES = 8_000_000

_IDLE_SECONDS = 60.0
_KEPT_CLIENTS = 100
_SECONDS_FOR_ERROR = 3.0
_SECONDS_FOR_REST = 0.25
_HEADERS = {"Accept-Encoding": "identity"}
# aiohttp writes these itself.
_FRAMING = ("host", "connection", "content-length", "transfer-encoding")


class Body(Protocol):
    """A response of httpx or httpx2 whose body has not been read yet."""

    def aiter_raw(self) -> AsyncIterator[bytes]: ...


@dataclass(frozen=True, slots=True)
class WireRequest:
    """A request as it goes over the wire. ``headers`` by their names in small letters."""

    method: str
    url: str
    headers: Mapping[str, str]
    content: bytes = field(repr=False)


# Set while somebody wants to see what would be sent, and not to send it.
_looked_at: ContextVar[list[WireRequest] | None] = ContextVar("looked_at", default=None)


async def request_of(events: AsyncGenerator[Any, None]) -> WireRequest | None:
    """What an adapter's stream would send; nothing is sent. None where it sends nothing, as the sandbox does."""
    seen: list[WireRequest] = []
    token = _looked_at.set(seen)
    try:
        async with aclosing(events):
            with suppress(ProviderError):
                await anext(events, None)
    finally:
        _looked_at.reset(token)
    return seen[0] if seen else None


@dataclass(frozen=True)
class HttpClients:
    modern: httpx2.AsyncClient
    legacy: httpx.AsyncClient
    transport: httpx2.AsyncBaseTransport
    _kept: OrderedDict[tuple[object, ...], Any] = field(default_factory=OrderedDict)

    def sdk_client(
        self, make: Callable[[HttpClients, str, str, float], C], api_key: str, base_url: str, connect: float
    ) -> C:
        """What ``make`` makes, once for each key and address: building a client takes longer than using it."""
        key = (make, api_key, base_url, connect)
        if key not in self._kept:
            self._kept[key] = make(self, api_key, base_url, connect)
        self._kept.move_to_end(key)
        if len(self._kept) > _KEPT_CLIENTS:
            self._kept.popitem(last=False)
        client: C = self._kept[key]
        return client


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
    resolver = PublicResolver(TRUST)
    session = aiohttp.ClientSession(
        connector=_TimedConnector(resolver=resolver, ssl=tls(), limit=0, keepalive_timeout=_IDLE_SECONDS),
        cookie_jar=aiohttp.DummyCookieJar(),
        skip_auto_headers=("Accept", "Accept-Encoding", "Content-Type", "User-Agent"),
        auto_decompress=False,
        trust_env=False,
    )
    sender = _Sender(session, resolver)
    transport = Httpx2Transport(sender)
    modern = httpx2.AsyncClient(transport=transport, headers=_HEADERS, trust_env=False)
    legacy = httpx.AsyncClient(transport=HttpxTransport(sender), headers=_HEADERS, trust_env=False)
    try:
        async with session:
            yield HttpClients(modern, legacy, transport)
    finally:
        del _keepers[loop], _clients[loop]
        if sender.has_tunnels:
            await close_tunnels()


class _TimedConnector(aiohttp.TCPConnector):
    """Says how long it took, without the tracing of aiohttp, which costs something at every step of a request."""

    async def connect(self, *request: Any, **more: Any) -> aiohttp.connector.Connection:
        started = time.perf_counter()
        try:
            return await super().connect(*request, **more)
        finally:
            if (connecting := watched.get()) is not None:
                connecting.seconds = time.perf_counter() - started


@asynccontextmanager
async def opened(call: AbstractAsyncContextManager[R], limits: Limits) -> AsyncIterator[R]:
    """Enter an SDK's streaming call under the limits; leaving closes its connection unless it was read to the end."""
    response = await limits.within(call.__aenter__())
    try:
        yield response
    finally:
        await call.__aexit__(None, None, None)


class CapturingTransport(httpx2.AsyncBaseTransport):
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


@dataclass(slots=True)
class _Sender:
    session: aiohttp.ClientSession
    resolver: PublicResolver
    has_tunnels: bool = False

    async def send(self, request: httpx.Request | httpx2.Request, content: bytes) -> aiohttp.ClientResponse:
        if (seen := _looked_at.get()) is not None:
            seen.append(WireRequest(request.method, str(request.url), dict(request.headers), content))
            raise BadRequest("It was only looked at.")
        limits: dict[str, Any] = request.extensions.get("timeout", {})
        url = URL(str(request.url), encoded=True)
        headers = [(name, value) for name, value in request.headers.multi_items() if name.lower() not in _FRAMING]
        try:
            await self.resolver.check(url)
            proxy = proxy_for(url)
            self.has_tunnels |= proxy is not None
            return await self.session.request(
                request.method,
                url,
                headers=headers,
                data=content or None,
                allow_redirects=False,
                proxy=proxy,
                timeout=aiohttp.ClientTimeout(total=None, connect=limits.get("connect")),
            )
        except AddressRefused as error:
            raise BadRequest(str(error)) from error


class Httpx2Transport(httpx2.AsyncBaseTransport):
    def __init__(self, sender: _Sender) -> None:
        self._sender = sender

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        answer = await self._sender.send(request, await request.aread())
        return httpx2.Response(answer.status, headers=_headers(answer), stream=await _body(answer))


class HttpxTransport(httpx.AsyncBaseTransport):
    def __init__(self, sender: _Sender) -> None:
        self._sender = sender

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        answer = await self._sender.send(request, await request.aread())
        return httpx.Response(answer.status, headers=_headers(answer), stream=await _body(answer))


def _headers(answer: aiohttp.ClientResponse) -> list[tuple[str, str]]:
    return [(name, value) for name, value in answer.headers.items() if name.lower() != "set-cookie"]


class _Body(httpx.AsyncByteStream, httpx2.AsyncByteStream):
    """An answer as it arrives, for both families of clients. Raises ``StreamBroken`` for more than ``most`` bytes."""

    def __init__(self, answer: aiohttp.ClientResponse, *, most: float) -> None:
        self._answer = answer
        self._most = most

    async def __aiter__(self) -> AsyncIterator[bytes]:
        content, size = self._answer.content, 0
        while part := await content.readany():
            size += len(part)
            if size > self._most:
                raise StreamBroken(f"The provider sent more than {self._most:,} bytes.", status=self._answer.status)
            yield part

    async def aclose(self) -> None:
        self._answer.close()


async def _body(answer: aiohttp.ClientResponse) -> _Body:
    """The body of a good answer. Raises the ``ProviderError`` that any other answer stands for."""
    try:
        if 300 <= answer.status < 400:
            raise BadRequest("The address answers with a redirect, which is not followed.", status=answer.status)
        if answer.headers.get("content-encoding", "identity") != "identity":
            raise StreamBroken("The provider sent a compressed answer that nobody asked for.", status=answer.status)
        if answer.status >= 400:
            raise from_response(answer.status, answer.headers, await _begin_of(_Body(answer, most=MAX_BODY_BYTES)))
    except BaseException:
        answer.close()
        raise
    is_stream = answer.content_type == "text/event-stream"
    return _Body(answer, most=math.inf if is_stream else MAX_BODY_BYTES)


async def _begin_of(body: _Body) -> bytes:
    """What comes of an error's body within a few seconds: its words may be there although it does not end."""
    content = bytearray()
    with suppress(TimeoutError):
        async with asyncio.timeout(_SECONDS_FOR_ERROR):
            async for part in body:
                content += part
    return bytes(content)


async def drain(body: AsyncIterator[bytes]) -> None:
    """Read to the end of the body, or the connection cannot serve the next call. Not worth a long wait."""
    with suppress(TimeoutError, OSError, aiohttp.ClientError, StreamBroken):
        async with asyncio.timeout(_SECONDS_FOR_REST):
            async for _ in body:
                pass
