"""Serve pages and sockets. `manage.py up` starts this together with everything it needs."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from aistrale.server import listening_socket, serve


class Command(BaseCommand):
    help = "Serve the application on HOST:PORT. Example: manage.py serve --host 0.0.0.0"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default=settings.HOST, help="address to listen on (default: %(default)s)")
        parser.add_argument("--port", type=int, default=settings.PORT, help="port (default: %(default)s)")

    def handle(self, *args: Any, host: str, port: int, **options: Any) -> None:
        try:
            listener = listening_socket(host, port)
        except OSError as error:
            raise CommandError(
                f"Cannot listen on {host}:{port}: {error.strerror}. Choose another PORT, or stop what uses this one."
            ) from error
        serve(listener, on_ready=lambda: self._say(f"Serving on http://{host}:{port}", options["verbosity"]))

    def _say(self, text: str, verbosity: int) -> None:
        if verbosity:
            self.stdout.write(text)
