"""Receivers of traces and logs that are away, slow or lying, each a context manager that gives its address."""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from threading import Event, Thread

from aistrale.embedded.state import free_port
from aistrale.tests.end_to_end.receivers import receiving
from aistrale.tests.silent import silent_server

Answer = Callable[[socket.socket, Event], None]


@contextmanager
def away() -> Iterator[str]:
    yield f"http://127.0.0.1:{free_port()}"


@contextmanager
def refusing() -> Iterator[str]:
    with receiving() as receiver:
        receiver.status = 400
        yield receiver.url


@contextmanager
def elsewhere() -> Iterator[str]:
    with receiving() as receiver:
        receiver.status = 302
        yield receiver.url


@contextmanager
def answering(answer: Answer) -> Iterator[str]:
    """Every connection, once something has come."""
    over = Event()
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
        Thread(target=_serve, args=(server, answer, over), daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.getsockname()[1]}"
        finally:
            over.set()


def _serve(server: socket.socket, answer: Answer, over: Event) -> None:
    with suppress(OSError):
        while True:
            client, _ = server.accept()
            Thread(target=_answer, args=(client, answer, over), daemon=True).start()


def _answer(client: socket.socket, answer: Answer, over: Event) -> None:
    with suppress(OSError), client:
        client.recv(65536)
        answer(client, over)


def talk_nonsense(client: socket.socket, over: Event) -> None:
    client.sendall(b"\x00\xff nonsense\r\n\r\n" * 100)


def reset(client: socket.socket, over: Event) -> None:
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def answer_without_end(client: socket.socket, over: Event) -> None:
    client.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while not over.is_set():
        client.sendall(b"10000\r\n" + b"x" * 65536 + b"\r\n")


def answer_byte_by_byte(client: socket.socket, over: Event) -> None:
    for byte in b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n" + b"x" * 1_000_000:
        client.sendall(bytes([byte]))
        if over.wait(0.2):
            return


# Those that take nothing.
TAKING_NOTHING: dict[str, Callable[[], AbstractContextManager[str]]] = {
    "away": away,
    "silent": silent_server,
    "refusing": refusing,
    "elsewhere": elsewhere,
    "nonsense": lambda: answering(talk_nonsense),
    "resetting": lambda: answering(reset),
}


def seconds_of(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
