"""A model provider on this machine that behaves and misbehaves on request.

A real HTTP server on a free port, in its own thread, speaking the dialects of all five providers::

    with FakeProvider() as fake:
        base_url = fake.base_url("openai")              # give this and any key to the adapter
        fake.script("my-model", Script(status=429), ok) # next calls to "my-model"; the last script repeats
        exchange = fake.last("my-model")                # what came in: path, headers, body, times
        assert exchange.closed.wait(1)                  # the client closed its connection

A model name chooses the behaviour, for every provider alike:

``words-N`` and ``words-N-every-MSms``   N words, with a pause between them
``status-CODE`` and ``status-CODE-retry-VALUE``   an HTTP error, with that Retry-After
``stall-headers`` ``stall-first-token`` ``stall-between-tokens`` ``endless``   never ends, from that point on
``cut-before-first-token`` ``cut-close`` ``cut-reset``   the connection ends: before, after three words, by RST
``tools``   a word, and two calls of tools at once
``garbage`` ``html`` ``huge-line`` ``empty`` ``error-event`` ``no-finish`` ``filtered`` ``length`` ``split-bytes``
any other name   a short friendly answer

A key that starts with ``bad`` is answered 401, with the key in the message, as some providers do.
"""

from __future__ import annotations

import asyncio
import json
import re
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from types import TracebackType
from typing import Any, Self
from urllib.parse import unquote, urlsplit

from inference.tests.wire import BASE_PATHS, DIALECTS, Dialect

MODELS = ("fake-large", "fake-small")
ANSWER = "Hello from the fake provider: every word of this answer is made up."
SPLIT_TEXT = "né 日本 🎉 done"


class Fault(Enum):
    """Ends a script: the connection stays open and silent, is closed half-way, or is reset."""

    HANG = "hang"
    CLOSE = "close"
    RESET = "reset"


Step = bytes | float | Fault


@dataclass(frozen=True)
class Script:
    """One answer. ``steps`` are sent in order: bytes as one HTTP chunk, a float waits that many seconds.

    ``status`` None never sends the headers. A script that ends without a fault ends the answer properly.
    """

    steps: Sequence[Step] = ()
    status: int | None = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = "text/event-stream"
    repeat: bool = False


@dataclass
class Exchange:
    """One request and what became of it. ``closed`` is set when the client's connection is gone.

    ``connection`` is the same number for requests that shared one.
    """

    method: str
    path: str
    headers: Mapping[str, str]
    body: Any
    model: str
    connection: int
    started: float = field(default_factory=time.monotonic)
    sent: int = 0
    answered: threading.Event = field(default_factory=threading.Event)
    closed: threading.Event = field(default_factory=threading.Event)

    @property
    def key(self) -> str:
        names = ("authorization", "x-api-key", "x-goog-api-key")
        found = next((self.headers[name] for name in names if name in self.headers), "")
        return found.removeprefix("Bearer ")


def answer(dialect: Dialect, model: str, words: Sequence[str], *, pause: float = 0.0, reason: str = "stop") -> Script:
    """A whole good answer, ``pause`` seconds before every word."""
    steps: list[Step] = list(dialect.opening(model))
    for word in words:
        steps += [pause, dialect.delta(word)] if pause else [dialect.delta(word)]
    return Script((*steps, *dialect.closing(model, len(words), reason)))


def tool_calls(dialect: Dialect, model: str) -> Script:
    """A word, then two calls at once."""
    paris = dialect.call(0, "get_weather", ['{"city": ', '"Paris"}'])
    now = dialect.call(1, "get_time", ["{}"])
    closing = dialect.closing(model, 20, "tool_calls")
    return Script((*dialect.opening(model), dialect.delta("Looking."), *paris, *now, *closing))


def as_json(body: object, *, status: int = 200) -> Script:
    return Script((json.dumps(body).encode(),), status=status, content_type="application/json")


def _words(dialect: Dialect, model: str, match: re.Match[str]) -> Script:
    words = [f"word{n} " for n in range(int(match["count"]))]
    return answer(dialect, model, words, pause=int(match["pause"] or 0) / 1000)


def _status(dialect: Dialect, model: str, match: re.Match[str]) -> Script:
    return failure(dialect, int(match["code"]), retry_after=match["retry"])


def failure(dialect: Dialect, status: int, message: str = "", *, retry_after: str | None = None) -> Script:
    """An HTTP error with the provider's own kind of body."""
    body = json.dumps(dialect.error(status, message or f"made-up failure {status}")).encode()
    headers = {"x-request-id": "req_fake", "request-id": "req_fake"}
    if retry_after is not None:
        headers["retry-after"] = retry_after
    return Script((body,), status=status, headers=headers, content_type="application/json")


def _faulty(dialect: Dialect, model: str, match: re.Match[str]) -> Script:
    opening = dialect.opening(model)
    started = [*opening, *(dialect.delta(f"word{n} ") for n in range(3))]
    whole = answer(dialect, model, [SPLIT_TEXT]).steps
    split = b"".join(step for step in whole if isinstance(step, bytes))
    scripts: Mapping[str, Script] = {
        "stall-headers": Script(status=None),
        "stall-first-token": Script((Fault.HANG,)),
        "stall-between-tokens": Script((*started, Fault.HANG)),
        "endless": Script((*opening, dialect.delta("word "), 0.02), repeat=True),
        "cut-before-first-token": Script((Fault.RESET,), status=None),
        "cut-close": Script((*started, Fault.CLOSE)),
        "cut-reset": Script((*started, 0.05, Fault.RESET)),
        "garbage": Script((*started, b"data: {not json\n\n", Fault.HANG)),
        "html": Script((b"<html>internal page of an unexpected host</html>",), content_type="text/html"),
        "huge-line": Script((*started, b'data: {"choices": "', *[b"x" * 1_000_000] * 12, Fault.HANG)),
        "empty": Script(),
        "error-event": Script((*started, dialect.error_event("the model fell over"))),
        "no-finish": Script(started),
        "filtered": answer(dialect, model, [], reason="filtered"),
        "length": answer(dialect, model, ["cut ", "short"], reason="length"),
        "split-bytes": Script(tuple(bytes([byte]) for byte in split)),
    }
    return scripts[match[0]]


_FAULTS = (
    "stall-(headers|first-token|between-tokens)|endless|cut-(before-first-token|close|reset)"
    "|garbage|html|huge-line|empty|error-event|no-finish|filtered|length|split-bytes"
)
_BEHAVIOURS: Sequence[tuple[re.Pattern[str], Callable[[Dialect, str, re.Match[str]], Script]]] = (
    (re.compile(r"words-(?P<count>\d+)(-every-(?P<pause>\d+)ms)?"), _words),
    (re.compile(r"status-(?P<code>\d{3})(-retry-(?P<retry>.+))?"), _status),
    (re.compile(_FAULTS), _faulty),
    (re.compile("tools"), lambda dialect, model, match: tool_calls(dialect, model)),
    (re.compile(".*"), lambda dialect, model, match: answer(dialect, model, re.findall(r"\S+\s?", ANSWER))),
)


class _Connection(asyncio.Protocol):
    """One client connection: requests one after the other, each answered by its script."""

    def __init__(self, provider: FakeProvider) -> None:
        self._provider = provider
        self._buffer = b""
        self._exchange: Exchange | None = None
        self._task: asyncio.Task[None] | None = None
        self._writable = asyncio.Event()
        self._writable.set()

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._provider.transports.add(transport)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, separator, rest = self._buffer.partition(b"\r\n\r\n")
        if not separator:
            return
        line, *fields = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (field.partition(":") for field in fields)}
        length = int(headers.get("content-length", 0))
        if len(rest) < length:
            return
        self._buffer = rest[length:]
        method, target, _ = line.split(" ")
        body = json.loads(rest[:length]) if length else None
        connection: int = self._transport.get_extra_info("peername")[1]
        self._exchange = Exchange(method, target, headers, body, _model(target, body), connection)
        self._provider.exchanges.append(self._exchange)
        self._task = asyncio.get_running_loop().create_task(self._answer(self._exchange))

    def connection_lost(self, exc: Exception | None) -> None:
        self._provider.transports.discard(self._transport)
        if self._exchange is not None:
            self._exchange.closed.set()
        if self._task is not None:
            self._task.cancel()

    async def _answer(self, exchange: Exchange) -> None:
        script = self._provider.choose(exchange)
        if script.status is not None:
            fields = {"content-type": script.content_type, "transfer-encoding": "chunked", **script.headers}
            lines = [f"HTTP/1.1 {script.status} Scripted", *(f"{name}: {value}" for name, value in fields.items())]
            self._transport.write("\r\n".join([*lines, "", ""]).encode("latin-1"))
        for step in _steps(script):
            if self._transport.is_closing():
                return
            await self._take(exchange, step)
        if script.status is None:
            await self._take(exchange, Fault.HANG)
        self._transport.write(b"0\r\n\r\n")
        exchange.answered.set()

    async def _take(self, exchange: Exchange, step: Step) -> None:
        if isinstance(step, bytes):
            self._transport.write(b"%x\r\n%b\r\n" % (len(step), step))
            exchange.sent += 1
            await self._writable.wait()
        elif isinstance(step, float):
            await asyncio.sleep(step)
        elif step is Fault.HANG:
            await asyncio.Event().wait()
        else:
            self._end(step)
            await asyncio.Event().wait()

    def _end(self, fault: Fault) -> None:
        if fault is Fault.RESET:
            connection = self._transport.get_extra_info("socket")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._transport.abort()
        else:
            self._transport.close()


def _steps(script: Script) -> Iterator[Step]:
    yield from script.steps
    while script.repeat:
        yield from script.steps


def _model(target: str, body: Any) -> str:
    """The model that a request names: in the body, or in Gemini's path."""
    in_path = re.search(r"/models/(.+?)(:\w+)?$", urlsplit(target).path)
    return str(body["model"]) if isinstance(body, dict) and "model" in body else unquote(in_path[1]) if in_path else ""


class FakeProvider:
    """See the module. ``exchanges`` holds every request, in the order of arrival."""

    def __init__(self, *, port: int = 0) -> None:
        self.exchanges: list[Exchange] = []
        self.transports: set[asyncio.Transport] = set()
        self._scripts: dict[str, list[Script]] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="fake-provider", daemon=True)
        self._requested_port = port

    def __enter__(self) -> Self:
        self._thread.start()
        listening = self._loop.create_server(lambda: _Connection(self), "127.0.0.1", self._requested_port)
        self._server = asyncio.run_coroutine_threadsafe(listening, self._loop).result(5)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(5)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    async def _close(self) -> None:
        self._server.close()
        for transport in list(self.transports):
            transport.abort()
        pending = asyncio.all_tasks() - {asyncio.current_task()}
        for task in pending:
            task.cancel()
        await asyncio.gather(*pending, return_exceptions=True)

    def base_url(self, provider: str) -> str:
        return self.url + BASE_PATHS[provider]

    def script(self, model: str, *scripts: Script) -> None:
        """Answer the next calls to ``model`` with these scripts, one each; the last one repeats.

        The list of models is what is asked for with an empty name.
        """
        self._scripts[model] = list(scripts)

    def calls(self, model: str) -> list[Exchange]:
        return [exchange for exchange in self.exchanges if exchange.model == model]

    def last(self, model: str, *, within: float = 30.0) -> Exchange:
        """The newest call to ``model``, waiting for a first one. Raises TimeoutError after ``within`` seconds."""
        deadline = time.monotonic() + within
        while not (calls := self.calls(model)):
            if time.monotonic() > deadline:
                raise TimeoutError(f"nobody called {model}")
            time.sleep(0.005)
        return calls[-1]

    def choose(self, exchange: Exchange) -> Script:
        dialect = DIALECTS.get(exchange.path.split("/")[1])
        if dialect is None:
            return Script((b"no such place",), status=404, content_type="text/plain")
        if exchange.key.startswith("bad"):
            return failure(dialect, 401, f"Incorrect API key provided: {exchange.key}")
        scripts = self._scripts.get(exchange.model)
        if scripts:
            return scripts.pop(0) if len(scripts) > 1 else scripts[0]
        if exchange.method == "GET":
            return as_json(dialect.models(MODELS))
        matches = ((pattern.fullmatch(exchange.model), build) for pattern, build in _BEHAVIOURS)
        return next(build(dialect, exchange.model, match) for match, build in matches if match)
