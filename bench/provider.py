"""A provider that streams at a fixed pace, cheap enough to serve hundreds of streams beside what is measured.

Run as ``python -m bench.provider PORT``. Each chunk carries the monotonic time at which it was sent, in microseconds,
so that a reader on the same machine can tell how long it was on its way. The model's name is the number of chunks.
``CHUNKS/TEXT/TIMES`` sends chunks of that text, repeated so often, as fast as they are taken, and no times.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import cast

CHUNK_SECONDS = 0.020
HEADERS = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


def event(data: bytes) -> bytes:
    body = b"data: " + data + b"\n\n"
    return b"%x\r\n%s\r\n" % (len(body), body)


def delta(text: str) -> bytes:
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": None}
    return json.dumps({"id": "c-1", "object": "chat.completion.chunk", "model": "m", "choices": [choice]}).encode()


BEFORE, AFTER = (part.encode() for part in delta("TIME").decode().split("TIME"))
USAGE = {"prompt_tokens": 10, "completion_tokens": 100, "total_tokens": 110}
END = event(
    json.dumps({"id": "c-1", "model": "m", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}).encode()
)
END += event(json.dumps({"id": "c-1", "model": "m", "choices": [], "usage": USAGE}).encode())
END += event(b"[DONE]") + b"0\r\n\r\n"


class Streams(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._request = b""
        self._is_full = False

    def data_received(self, data: bytes) -> None:
        self._request += data
        head, separator, body = self._request.partition(b"\r\n\r\n")
        if separator and body.endswith(b"}"):
            self._request = b""
            self._transport.write(HEADERS)
            chunks, _, text = str(json.loads(body)["model"]).partition("/")
            self._left = int(chunks)
            if text:
                self._text = event(delta(text.rpartition("/")[0] * int(text.rpartition("/")[2])))
                self._hurry()
            else:
                self._next_at = asyncio.get_running_loop().time()
                self._send()

    def pause_writing(self) -> None:
        self._is_full = True

    def resume_writing(self) -> None:
        self._is_full = False
        self._hurry()

    def _hurry(self) -> None:
        while self._left and not self._is_full:
            self._left -= 1
            self._transport.write(self._text)
        if not self._left and not self._is_full:
            self._transport.write(END)

    def _send(self) -> None:
        if self._transport.is_closing():
            return
        if self._left == 0:
            self._transport.write(END)
            return
        self._left -= 1
        sent = b" %d" % (time.monotonic_ns() // 1000)
        self._transport.write(event(BEFORE + sent + AFTER))
        self._next_at += CHUNK_SECONDS
        asyncio.get_running_loop().call_at(self._next_at, self._send)


async def serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(Streams, "127.0.0.1", port, backlog=2048)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
