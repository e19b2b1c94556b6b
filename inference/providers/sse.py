"""Cuts the bytes of an answer into JSON payloads, cheaply: this runs for every token of every answer.

Written for what servers send rather than for the standard of server-sent events alone: any line ends, byte order
marks, JSON over several ``data:`` lines or two payloads in one event, ``error:`` fields, the end mark in any dress, and
bodies that are no event stream at all but JSON, whole or line by line. A payload is given out as soon as its line is
there, since some servers end an event only when the next one begins.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

import orjson

from inference.providers.errors import StreamBroken

MAX_LINE_BYTES = 8_000_000
MAX_ANSWER_BYTES = 64_000_000
END: Final = object()

_BOM = b"\xef\xbb\xbf"
_END_MARK = b"[DONE]"
_MOST_TRIES = 50


class EventReader:
    """Bytes in, pairs of event type and payload out; ``END`` is the payload of the end mark."""

    def __init__(self) -> None:
        self._size = 0
        self._line = bytearray()
        self._ended_with_cr = False
        self._event = ""
        self._unread: list[bytes] = []
        self._json: JsonBody | None = None
        self._begun = False

    def feed(self, chunk: bytes) -> Iterator[tuple[str, Any]]:
        """Raises ``StreamBroken`` for what is not JSON, or too much, after all that came before it."""
        self._size += len(chunk)
        if self._size > MAX_ANSWER_BYTES:
            raise StreamBroken("The provider sent more than an answer can hold.")
        if not self._begun:
            chunk = self._begin(chunk)
        if chunk:
            yield from self._json.feed(chunk) if self._json else self._payloads(self._lines(chunk))

    def close(self) -> Iterator[tuple[str, Any]]:
        """What is left when the bytes have ended, which they may do without ending the last line."""
        if self._json:
            yield from self._json.close()
        else:
            yield from self.feed(b"\n\n")

    def _begin(self, chunk: bytes) -> bytes:
        """Look whether this is an event stream, at its first byte that is neither white space nor a mark."""
        self._line += chunk
        start = bytes(self._line).lstrip().removeprefix(_BOM).lstrip()
        if not start or _BOM.startswith(start):
            return b""
        self._begun = True
        self._line.clear()
        if start[:1] in (b"{", b"["):
            self._json = JsonBody()
        return start

    def _lines(self, chunk: bytes) -> list[bytes]:
        if self._ended_with_cr or b"\r" in chunk:
            chunk = self._without_cr(chunk)
        *lines, rest = chunk.split(b"\n")
        if self._line and lines:
            lines[0] = bytes(self._line) + lines[0]
            self._line.clear()
        self._line += rest
        if len(self._line) > MAX_LINE_BYTES:
            raise StreamBroken("The provider sent more than an answer can hold.")
        return lines

    def _without_cr(self, chunk: bytes) -> bytes:
        if self._ended_with_cr and chunk.startswith(b"\n"):
            chunk = chunk[1:]
        self._ended_with_cr = chunk.endswith(b"\r")
        return chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")

    def _payloads(self, lines: list[bytes]) -> Iterator[tuple[str, Any]]:
        for line in lines:
            if line.startswith(b"data:") and not self._unread:
                try:
                    payload = orjson.loads(line[5:])
                except orjson.JSONDecodeError:
                    yield from self._odd(line[5:].strip())
                else:
                    yield self._event, payload if type(payload) is dict else _marked(payload)
            elif line:
                yield from self._field(line)
            else:
                if self._unread:
                    yield self._event, self._joined()
                self._event = ""

    def _field(self, line: bytes) -> Iterator[tuple[str, Any]]:
        name, _, value = line.removeprefix(_BOM).partition(b":")
        match name:
            case b"data":
                if self._unread:
                    self._unread.append(value.strip())
                else:
                    yield from self._odd(value.strip())
            case b"event":
                self._event = value.strip().decode("utf-8", "replace")
            case b"error":
                yield "error", _lenient(value) or value.decode("utf-8", "replace").strip()
            case _ if name.lstrip()[:1] == b"{" and (payload := _lenient(line)) is not None:
                yield self._event, payload

    def _odd(self, data: bytes) -> Iterator[tuple[str, Any]]:
        """A value that is not plain JSON: an end mark, JSON with flaws, or the first line of several."""
        if data.strip(b"'").upper() == _END_MARK:
            yield self._event, END
        elif (payload := _lenient(data)) is not None:
            yield self._event, payload
        elif data:
            self._unread.append(data)

    def _joined(self) -> Any:
        payload = _lenient(b"\n".join(self._unread))
        if payload is None:
            raise StreamBroken("The provider sent something that is not JSON.")
        self._unread = []
        return payload


class JsonBody:
    """A body that is no event stream: one JSON value, or one on each line. Read as soon as it is whole."""

    def __init__(self) -> None:
        self._content = bytearray()
        self._tries = 0

    def feed(self, chunk: bytes) -> Iterator[tuple[str, Any]]:
        self._content += chunk
        if len(self._content) > MAX_LINE_BYTES:
            raise StreamBroken("The provider sent more than an answer can hold.")
        if chunk.rstrip()[-1:] in (b"}", b"]") and self._tries < _MOST_TRIES:
            self._tries += 1
            yield from self._read()

    def close(self) -> Iterator[tuple[str, Any]]:
        yield from self._read()
        if self._content.strip():
            raise StreamBroken("The provider sent something that is not JSON.")

    def _read(self) -> Iterator[tuple[str, Any]]:
        payloads = [_lenient(bytes(self._content))]
        if payloads == [None]:
            payloads = [_lenient(line) for line in bytes(self._content).splitlines() if line.strip()]
        if payloads and None not in payloads:
            self._content.clear()
            self._tries = 0
            for payload in payloads:
                yield "", payload


def _marked(payload: Any) -> Any:
    """The end mark may be quoted."""
    return END if isinstance(payload, str) and payload.strip().upper().encode() == _END_MARK else payload


def _lenient(data: bytes) -> Any:
    """The JSON value in ``data``, or None. Takes what orjson refuses: lone surrogates, NaN, wrong UTF-8, marks."""
    try:
        return json.loads(data.strip().removeprefix(_BOM).decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return None
