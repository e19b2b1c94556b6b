"""Serve pages and sockets. `manage.py up` starts this together with everything it needs."""

from __future__ import annotations

import socket
from argparse import ArgumentParser
from typing import Any

import structlog
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, connection

from aistrale.effective import effective_settings, record_changes
from aistrale.observability import observed
from aistrale.server import listening_socket, serve
from aistrale.settings import env

log = structlog.get_logger(__name__)


def open_listener(host: str, port: int) -> socket.socket:
    """Raises CommandError."""
    try:
        return listening_socket(host, port)
    except OSError as error:
        raise CommandError(
            f"Cannot listen on {host}:{port}: {error.strerror}. Choose another PORT, or stop what uses this one."
        ) from error


class Command(BaseCommand):
    stealth_options = ("listener",)
    help = "Serve the application on HOST:PORT. Example: manage.py serve --host 0.0.0.0"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default=settings.HOST, help="address to listen on (default: %(default)s)")
        parser.add_argument("--port", type=int, default=settings.PORT, help="port (default: %(default)s)")

    def handle(self, *args: Any, host: str, port: int, **options: Any) -> None:
        listener = options.get("listener") or open_listener(host, port)
        with observed("web"):
            self._note_settings()
            serve(listener, on_ready=lambda: self._say(f"Serving on http://{host}:{port}", options["verbosity"]))

    def _note_settings(self) -> None:
        try:
            record_changes(effective_settings(env))
        except DatabaseError as error:
            # Pages say what is wrong, and are back when the database is.
            log.warning("settings_not_recorded", error=type(error).__name__)
        finally:
            connection.close()

    def _say(self, text: str, verbosity: int) -> None:
        if verbosity:
            self.stdout.write(text)
