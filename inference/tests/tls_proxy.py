"""A proxy of HTTP, behind which all hosts are one local server, with TLS by a certificate authority of its own."""

from __future__ import annotations

import socket
import ssl
import subprocess
from contextlib import suppress
from pathlib import Path
from threading import Thread
from types import TracebackType
from typing import Self

HOST = "provider.example.org"


def make_certificate(directory: Path) -> tuple[Path, Path]:
    """Certificate and key of HOST, which is its own authority."""
    certificate, key = directory / "host.pem", directory / "host.key"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={HOST}"]
    extensions = ["-addext", f"subjectAltName=DNS:{HOST}", "-addext", "keyUsage=digitalSignature,keyCertSign"]
    files = ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run([*command, *extensions, *files], check=True, capture_output=True)
    return certificate, key


class TlsProxy:
    """Takes CONNECT for any host, and passes what comes by TLS on to ``port`` as plain HTTP. ``asked``: those hosts."""

    def __init__(self, port: int, certificate: Path, key: Path) -> None:
        self._port = port
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.load_cert_chain(certificate, key)
        self.asked: list[str] = []

    def __enter__(self) -> Self:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                Thread(target=self._serve, args=[client], daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with suppress(OSError), client:
            head = b""
            while b"\r\n\r\n" not in head:
                if not (part := client.recv(4096)):
                    return
                head += part
            self.asked.append(head.split()[1].decode())
            client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            inner = self._tls.wrap_socket(client, server_side=True)
            with inner, socket.create_connection(("127.0.0.1", self._port)) as server:
                answering = Thread(target=_copy, args=(server, inner), daemon=True)
                answering.start()
                _copy(inner, server)
                answering.join()


def _copy(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
