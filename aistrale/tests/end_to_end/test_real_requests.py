"""Against a real server: what comes and goes beside the application."""

from __future__ import annotations

import socket
from urllib.parse import urlsplit

import pytest

from aistrale.request_bodies import MOST_BYTES
from aistrale.tests.end_to_end.browser import Site

FORM = "Content-Type: application/x-www-form-urlencoded"


def say(site: Site, *lines: str, body: bytes = b"") -> bytes:
    """What is answered until the server closes, which it is asked to, or the line is reset."""
    address = urlsplit(site.url)
    with socket.create_connection(("127.0.0.1", address.port or 80), timeout=20) as line:
        line.sendall("\r\n".join((*lines, f"Host: {address.netloc}", "Connection: close", "", "")).encode())
        answer = b""
        try:
            line.sendall(body)
            while part := line.recv(65536):
                answer += part
        except ConnectionError:
            pass
    return answer


def test_a_body_too_long_is_refused_before_it_is_sent(site: Site) -> None:
    answer = say(site, "POST /login/ HTTP/1.1", FORM, f"Content-Length: {10**12}")
    assert answer.startswith(b"HTTP/1.1 413 ")


def test_only_files_may_be_longer(site: Site) -> None:
    too_long_for_a_form = f"Content-Length: {MOST_BYTES + 1}"
    assert say(site, "POST /chat/ HTTP/1.1", FORM, too_long_for_a_form).startswith(b"HTTP/1.1 413 ")
    body = b"x" * (MOST_BYTES + 1)
    assert not say(site, "POST /chat/files/ HTTP/1.1", FORM, too_long_for_a_form, body=body).startswith(
        b"HTTP/1.1 413 "
    )
    assert say(site, "POST /chat/files/ HTTP/1.1", FORM, "Content-Length: 30000000").startswith(b"HTTP/1.1 413 ")


def test_a_body_without_end_is_cut(site: Site) -> None:
    chunk = b"10000\r\n" + b"x" * 65536 + b"\r\n"
    answer = say(site, "POST /login/ HTTP/1.1", FORM, "Transfer-Encoding: chunked", body=chunk * 200)
    assert not answer or answer.startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize("size", [2, 3_000_000, MOST_BYTES])
def test_what_is_shorter_is_answered_by_a_page(site: Site, size: int) -> None:
    answer = say(site, "POST /login/ HTTP/1.1", FORM, f"Content-Length: {size}", body=b"x" * size)
    assert answer.startswith((b"HTTP/1.1 403 ", b"HTTP/1.1 400 ")) and b"Content-Security-Policy: " in answer


@pytest.mark.parametrize("path", ["/login/", "/static/css/house.css", "/nothing/", "/health/live"])
def test_no_answer_of_the_server_names_it(site: Site, path: str) -> None:
    head = say(site, f"GET {path} HTTP/1.1").partition(b"\r\n\r\n")[0].lower()
    assert b"x-request-id: " in head or b"text/css" in head
    assert not [
        name for name in (b"server:", b"daphne", b"twisted", b"django", b"x-powered-by", b"via:") if name in head
    ]


@pytest.mark.parametrize("request_line", ["TRACE / HTTP/1.1", "NONSENSE", "GET /static/../manage.py HTTP/1.1"])
def test_it_gives_nothing_back_of_what_it_does_not_serve(site: Site, request_line: str) -> None:
    answer = say(site, request_line, "X-Mark: canary")
    assert answer.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 404 ", b"HTTP/1.1 405 "))
    assert b"canary" not in answer and b"daphne" not in answer.lower()


def test_an_unknown_socket_is_refused_without_an_error(site: Site) -> None:
    upgrade = ("Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13")
    key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
    assert say(site, "GET /ws/nowhere/ HTTP/1.1", *upgrade, key, f"Origin: {site.url}").startswith(b"HTTP/1.1 403 ")
