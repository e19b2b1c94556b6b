"""The web server process: daphne, with a shutdown that loses nothing.

daphne by itself cuts every open connection at SIGTERM. Here the runs are drained first: new ones are refused, those
going on get some seconds, the rest are saved as interrupted. Then no more connections are taken, and requests that have
begun are answered. Only then does the server stop: a proxy finds another process for every request.
"""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import structlog
import uvloop
from django.conf import settings
from twisted.internet import asyncioreactor
from twisted.internet.main import installReactor

# The longest question and system prompt, in the characters that take most bytes.
SOCKET_MESSAGE_BYTES = 1280 * 1024
BACKLOG = 1024
# Of sockets and runs. By default there would be as few as six: while the database hangs, pages that connect again
# would wait for each other's end, and the answers to be stored for them.
DATABASE_THREADS = 32
# How long requests that are being answered at the end may take.
REQUEST_SECONDS = 8.0
# Beyond the drain time: for what a dead database or cache may keep a shutdown waiting.
SHUTDOWN_SECONDS = 20.0

log = structlog.get_logger(__name__)


def listening_socket(host: str, port: int) -> socket.socket:
    """Raises OSError where the port is taken or the address is not ours."""
    listener = socket.create_server((host, port), backlog=BACKLOG)
    listener.setblocking(False)
    return listener


def serve(listener: socket.socket, *, on_ready: Callable[[], None]) -> None:
    """Serve until SIGTERM or SIGINT. May be called once in a process."""
    # While threads render pages or talk to the database, streams would wait 5 ms for each turn of the interpreter.
    sys.setswitchinterval(0.0005)
    loop = uvloop.new_event_loop()
    loop.set_default_executor(ThreadPoolExecutor(DATABASE_THREADS, "database"))
    reactor: Any = asyncioreactor.AsyncioSelectorReactor(loop)
    installReactor(reactor)
    # daphne takes the reactor that it finds when it is imported, and the application wants the settings.
    from daphne import http_protocol

    from aistrale.asgi import application
    from aistrale.request_bodies import bound_bodies
    from aistrale.slow_clients import PatientServer, bound_sockets

    bound_bodies()
    bound_sockets()
    # It would write a line of each request for nobody: aistrale.request_log tells of them.
    http_protocol.HTTPFactory.log = _log_nothing
    server = PatientServer(
        application,
        endpoints=[f"fd:fileno={listener.fileno()}"],
        signal_handlers=False,
        websocket_max_message_size=SOCKET_MESSAGE_BYTES,
        websocket_max_frame_size=SOCKET_MESSAGE_BYTES,
        server_name="",
    )
    lifecycle = ServerLifecycle(loop, server, on_ready=on_ready, stop=reactor.stop)
    reactor.callWhenRunning(lifecycle.begin)
    server.run()


def _log_nothing(factory: Any, request: Any) -> None:
    """In place of a method of the factory."""


class ServerLifecycle:
    """What goes on beside serving: the runs are opened, memory is given back, at a signal all comes to an end."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, server: Any, *, on_ready: Callable[[], None], stop: Callable[[], None]
    ) -> None:
        from aistrale.process import runs

        self._runs = runs
        self._loop = loop
        self._server = server
        self._on_ready = on_ready
        self._stop = stop
        # The loop itself holds tasks only weakly.
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            self._loop.add_signal_handler(number, self.end)
        self._do(self._start())

    def end(self) -> None:
        if not self._runs.is_draining:
            self._runs.is_draining = True
            self._do(self._shut_down())

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _start(self) -> None:
        from accounts.providers import PROVIDERS
        from aistrale.memory import keep_giving_back
        from inference.providers.registry import get_adapter

        await self._runs.open()
        self._on_ready()
        self._do(keep_giving_back())
        # No run is to wait for them, and no shutdown for all of them.
        for provider in PROVIDERS:
            if self._runs.is_draining:
                return
            await asyncio.to_thread(get_adapter, provider)

    async def _shut_down(self) -> None:
        from aistrale.last_requests import finish_requests

        try:
            async with asyncio.timeout(settings.RUN_DRAIN_SECONDS + SHUTDOWN_SECONDS):
                await self._runs.drain(seconds=settings.RUN_DRAIN_SECONDS)
                await finish_requests(self._server, within=REQUEST_SECONDS)
                await self._runs.close()
        except Exception:
            log.exception("shutdown_incomplete")
        finally:
            self._stop()
