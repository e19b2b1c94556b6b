"""What an answer that is hard to show costs everybody else: ``python -m bench.hostile``.

While five such answers come, a sixth stream is read, whose longest gap tells how long the event loop was held. Then 200
streams are asked for by clients that read nothing of them, while a page is fetched again and again.
"""

from __future__ import annotations

import asyncio
import json
import socket
import time
from contextlib import ExitStack, suppress
from http.client import HTTPConnection
from pathlib import Path
from uuid import uuid4

from bench.clients import handshake, read_directly, text_frame
from bench.system import System, new_signature, running_system

HOSTILE = "100/![/1000"
LONG = "300/Some ordinary words that fill a line of an answer.\n\n/100"
HOSTILE_STREAMS = (0, 1, 5)
STREAMS = 200
SETTLING_SECONDS = 60


def open_page(system: System) -> socket.socket:
    """The socket of a page that will read nothing."""
    line = socket.socket()
    line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    line.connect(("127.0.0.1", system.server_port))
    line.sendall(handshake(system.server_port, f"/ws/chat/new/{new_signature()}/", system.cookie))
    while not line.recv(4096).endswith(b"\r\n\r\n"):
        continue
    return line


def question(model: str) -> bytes:
    message = {"type": "run", "text": "Hi", "provider": "openai", "model": model, "client_id": str(uuid4())}
    return text_frame(json.dumps(message).encode())


async def read_all(system: System, model: str) -> None:
    """Ask for a stream and read it until it has ended."""
    reader, writer = await asyncio.open_connection("127.0.0.1", system.server_port)
    writer.write(handshake(system.server_port, f"/ws/chat/new/{new_signature()}/", system.cookie))
    await reader.readuntil(b"\r\n\r\n")
    writer.write(question(model))
    seen = b""
    while b'data-status="succeeded"' not in seen:
        seen = seen[-100:] + await reader.read(65536)
    writer.close()


async def longest_gap(system: System, *, hostile: int) -> float:
    """Seconds between two chunks of a stream that is read while ``hostile`` others come."""
    ordinary = asyncio.create_task(system.read(1500))
    await asyncio.sleep(2)
    start = time.monotonic()
    await asyncio.gather(*(read_all(system, HOSTILE) for _ in range(hostile)))
    end = time.monotonic() + 1
    return max((await ordinary).gaps(start, end), default=end - start)


def resident_megabytes(system: System) -> float:
    return int(Path(f"/proc/{system.server_pid}/statm").read_text().split()[1]) * 4096 / 1e6


def idle_megabytes(system: System) -> float:
    """Once the SDKs of all providers are loaded, which goes on after the server is ready."""
    before, now = 0.0, resident_megabytes(system)
    while now > before + 1:
        for _ in range(10):
            page_seconds(system)
            time.sleep(0.5)
        before, now = now, resident_megabytes(system)
    return now


def page_seconds(system: System) -> float:
    started = time.monotonic()
    connection = HTTPConnection("127.0.0.1", system.server_port, timeout=120)
    connection.request("GET", "/chat/", headers={"Cookie": system.cookie})
    connection.getresponse().read()
    connection.close()
    return time.monotonic() - started


def ended_calls() -> int:
    from telemetry.models import Generation

    return Generation.objects.filter(request_model=LONG, ended_at__isnull=False).count()


def unread(system: System) -> None:
    idle = idle_megabytes(system)
    pages: list[float] = []
    peak = 0.0
    with ExitStack() as stack:
        lines = [stack.enter_context(open_page(system)) for _ in range(STREAMS)]
        started = time.monotonic()
        for line in lines:
            line.sendall(question(LONG))
        while ended_calls() < STREAMS:
            pages.append(page_seconds(system))
            peak = max(peak, resident_megabytes(system))
            time.sleep(0.2)
        print(f"streams ended after {time.monotonic() - started:.0f} s")
        for line in lines:
            with suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)
    print(f"page p50 {sorted(pages)[len(pages) // 2]:.2f} s, longest {max(pages):.2f} s of {len(pages)}")
    print(f"RSS idle {idle:.0f} MB, peak {peak:.0f} MB, at the end {resident_megabytes(system):.0f} MB")
    time.sleep(SETTLING_SECONDS)
    now = resident_megabytes(system)
    print(f"RSS {SETTLING_SECONDS} s later {now:.0f} MB, {now / idle:.2f} of idle")


def main() -> None:
    with running_system() as system:
        asyncio.run(read_directly(system.provider_port, 10))
        unread(system)
        for hostile in HOSTILE_STREAMS:
            gap = asyncio.run(longest_gap(system, hostile=hostile))
            print(f"longest gap beside {hostile} answers of 200 KB of ![: {gap * 1000:.0f} ms", flush=True)


if __name__ == "__main__":
    main()
