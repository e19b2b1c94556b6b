"""What a worker answers by HTTP at ``AISTRALE_WORKER_PORT``: ``/metrics`` as the web server does, ``/health/live``.

Only where somebody may read metrics; otherwise a worker listens nowhere.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterable
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import structlog
from django.conf import settings
from django.db import connections

from aistrale import metrics

# The loop of a worker that lives turns at least so often.
LIVE_SECONDS = 2.0
TEXT = "text/plain; charset=utf-8"

log = structlog.get_logger(__name__)


def serve(loop: asyncio.AbstractEventLoop) -> None:
    """In threads that end with the process. A port that is taken costs the pages, never the worker."""
    if not metrics.is_enabled():
        return
    metrics.register_system()
    try:
        server = make_server(
            settings.HOST, settings.WORKER_PORT, WorkerPages(loop), server_class=_Server, handler_class=_Handler
        )
    except OSError as error:
        log.warning("worker_pages_missing", port=settings.WORKER_PORT, error=error.strerror)
        return
    threading.Thread(target=server.serve_forever, name="worker-pages", daemon=True).start()


class WorkerPages:
    """A WSGI application."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        status, content_type, body = self._answer(environ)
        start_response(status, [("Content-Type", content_type), ("Content-Length", str(len(body)))])
        return [body]

    def _answer(self, environ: dict[str, Any]) -> tuple[str, str, bytes]:
        match environ["PATH_INFO"]:
            case "/health/live":
                return ("200 OK", TEXT, b"ok") if self._turns() else ("503 Service Unavailable", TEXT, b"hangs")
            case "/metrics":
                if metrics.may_read(environ.get("HTTP_AUTHORIZATION", ""), environ["REMOTE_ADDR"]):
                    body, content_type = self._scrape(environ.get("HTTP_ACCEPT", ""))
                    return "200 OK", content_type, body
                return "401 Unauthorized", TEXT, b"unauthorized"
        return "404 Not Found", TEXT, b"not found"

    def _scrape(self, accept: str) -> tuple[bytes, str]:
        try:
            return metrics.scrape(accept)
        finally:
            # Each request has a thread of its own, whose connection goes back to the pool.
            connections.close_all()

    def _turns(self) -> bool:
        turned = threading.Event()
        self._loop.call_soon_threadsafe(turned.set)
        return turned.wait(LIVE_SECONDS)


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Handler(WSGIRequestHandler):
    """Says nothing of itself, and looks up no names."""

    server_version = sys_version = ""
    timeout = 10

    def address_string(self) -> str:
        return str(self.client_address[0])

    def log_message(self, format: str, *args: Any) -> None:
        """A scrape every few seconds is no news."""
