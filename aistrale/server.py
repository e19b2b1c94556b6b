"""The web server process: daphne, with a shutdown that loses nothing.

daphne by itself cuts every open connection at SIGTERM. Here the runs are drained first: new ones are refused, those
going on get some seconds, the rest are saved as interrupted; only then does the server stop.
"""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import Callable
from typing import Any

import uvloop
from django.conf import settings
from twisted.internet import asyncioreactor
from twisted.internet.main import installReactor

SOCKET_MESSAGE_BYTES = 512 * 1024
BACKLOG = 1024


def listening_socket(host: str, port: int) -> socket.socket:
    """Raises OSError where the port is taken or the address is not ours."""
    listener = socket.create_server((host, port), backlog=BACKLOG)
    listener.setblocking(False)
    return listener


def serve(listener: socket.socket, *, on_ready: Callable[[], None]) -> None:
    """Serve until SIGTERM or SIGINT. May be called once in a process."""
    loop = uvloop.new_event_loop()
    reactor: Any = asyncioreactor.AsyncioSelectorReactor(loop)
    installReactor(reactor)
    # daphne takes the reactor that it finds when it is imported, and the application wants the settings.
    from daphne.server import Server

    from aistrale.asgi import application
    from aistrale.process import runs
    from inference.providers.registry import import_adapters

    async def shut_down() -> None:
        await runs.drain(seconds=settings.RUN_DRAIN_SECONDS)
        await runs.close()
        reactor.stop()

    def begin_shutdown() -> None:
        if not runs.is_draining:
            runs.is_draining = True
            loop.create_task(shut_down())

    async def start() -> None:
        await runs.open()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, begin_shutdown)
        on_ready()
        await asyncio.to_thread(import_adapters)

    reactor.callWhenRunning(lambda: loop.create_task(start()))
    Server(
        application,
        endpoints=[f"fd:fileno={listener.fileno()}"],
        signal_handlers=False,
        websocket_max_message_size=SOCKET_MESSAGE_BYTES,
        websocket_max_frame_size=SOCKET_MESSAGE_BYTES,
        server_name="",
    ).run()
