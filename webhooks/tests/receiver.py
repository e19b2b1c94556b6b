"""A server that webhooks are sent to, and that answers as it is told."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Received:
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass
class Receiver:
    """``answers`` are statuses, taken in turn; the last one stays. With ``hangs`` it answers nothing until it stops."""

    answers: list[int] = field(default_factory=lambda: [200])
    text: str = "ok"
    hangs: bool = False
    received: list[Received] = field(default_factory=list)

    def __enter__(self) -> Receiver:
        self._stopping = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stopping.set()
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/hook"

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.received.append(Received(self.path, dict(self.headers), body))
                if receiver.hangs:
                    receiver._stopping.wait()
                    return
                answers = receiver.answers
                self.send_response(answers.pop(0) if len(answers) > 1 else answers[0])
                self.send_header("Location", "/elsewhere")
                self.end_headers()
                self.wfile.write(receiver.text.encode())

            def log_message(self, format: str, *args: Any) -> None:
                """Nothing on standard error."""

        return Handler
