"""A mail server that does what it should not."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

FINE = {"EHLO": b"250 hello", "MAIL": b"250 fine", "RCPT": b"250 fine", "DATA": b"354 go on", "QUIT": b"221 bye"}
FAULTS: dict[str, dict[str, bytes]] = {
    "hangs": {"": b""},
    "is busy": {"": b"421 come again"},
    "refuses the recipient": {"RCPT": b"550 nobody here"},
    "refuses the sender": {"MAIL": b"550 not you"},
    "hangs later": {"DATA": b""},
}


@contextmanager
def faulty_mail_server(fault: str) -> Iterator[int]:
    """Its port. Nothing listens there where the fault is "is away"."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        if fault == "is away":
            listener.close()
        else:
            answers = {"": b"220 ready"} | FINE | FAULTS[fault]
            threading.Thread(target=_serve, args=(listener, answers), daemon=True).start()
        yield port


def _serve(listener: socket.socket, answers: dict[str, bytes]) -> None:
    """One client. Says nothing where the answer is empty."""
    client, _ = listener.accept()
    with client, client.makefile("rb") as lines:
        line, command = b"", ""
        while True:
            if answer := answers.get(command, b"502 what?"):
                client.sendall(answer + b"\r\n")
            if not (line := lines.readline()):
                return
            command = line[:4].decode().upper()
