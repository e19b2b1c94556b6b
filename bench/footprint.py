"""Memory of each part, idle and under streams, and processor time with and without traces.

``python -m bench.footprint [--traced RATIO]``. Memory is the proportional set size: what parts share is counted once.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

from bench.clients import read_directly
from bench.system import System, process, running_system

STREAMS, CHUNKS, PAGES = 100, 150, 100
# What comes up in these many seconds is no longer part of a start.
SETTLE_SECONDS = 5
PARTS = {"web": "manage.py serve", "worker": "manage.py worker", "PostgreSQL": "postgres", "Valkey": "valkey"}


class Sink(BaseHTTPRequestHandler):
    """Takes traces and drops them."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def sink() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Sink) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def descendants() -> dict[int, str]:
    """Command lines by process id, of all that this process has started."""
    listing = subprocess.run(
        ["/bin/ps", "-A", "-o", "pid=,ppid=,args="], capture_output=True, text=True, check=True
    ).stdout
    rows = [line.split(None, 2) for line in listing.splitlines()]
    found = {os.getpid(): ""}
    for pid, parent, command in sorted(rows, key=lambda row: int(row[0])):
        if int(parent) in found:
            found[int(pid)] = command
    return found


def megabytes() -> dict[str, float]:
    found = descendants()
    return {
        part: sum(_proportional(pid) for pid, command in found.items() if mark in command)
        for part, mark in PARTS.items()
    }


def _proportional(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) * 1024 / 1e6


async def under_streams(system: System) -> dict[str, float]:
    """The most that each part took."""
    reading = [asyncio.create_task(system.read(CHUNKS)) for _ in range(STREAMS)]
    most = dict.fromkeys(PARTS, 0.0)
    while not all(task.done() for task in reading):
        now = await asyncio.to_thread(megabytes)
        most = {part: max(most[part], now[part]) for part in PARTS}
        await asyncio.sleep(1)
    await asyncio.gather(*reading)
    return most


def get_pages(system: System) -> None:
    for _ in range(PAGES):
        connection = HTTPConnection("127.0.0.1", system.server_port, timeout=120)
        connection.request("GET", "/chat/", headers={"Cookie": system.cookie})
        connection.getresponse().read()
        connection.close()


def measure(system: System) -> None:
    asyncio.run(read_directly(system.provider_port, 10))
    get_pages(system)
    time.sleep(SETTLE_SECONDS)
    idle = megabytes()
    began = system.cpu_seconds()
    get_pages(system)
    pages = system.cpu_seconds() - began
    began = system.cpu_seconds()
    most = asyncio.run(under_streams(system))
    streams = system.cpu_seconds() - began
    for part in PARTS:
        print(f"{part}: {idle[part]:.0f} MB idle, {most[part]:.0f} MB under {STREAMS} streams")
    print(f"{pages / PAGES * 1000:.2f} ms of the processor a page, {streams:.1f} s for {STREAMS} streams of {CHUNKS}")


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure memory, and what traces cost.")
    parser.add_argument("--traced", type=float, help="the share of requests and calls whose traces are sent")
    ratio = parser.parse_args().traced
    with sink() as url:
        if ratio is not None:
            os.environ |= {"AISTRALE_OTLP_ENDPOINT": url, "AISTRALE_TRACE_RATIO": str(ratio)}
        with running_system() as system, process("manage.py", "worker"):
            measure(system)


if __name__ == "__main__":
    main()
