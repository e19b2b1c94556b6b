"""What reading prompts costs: ``python -m bench.prompts [--json] [--reads N]``.

Starts throw-away databases and the server, and reads through the API with one key: a prompt alone, one that includes
two others, and one that has not changed; from one connection, and from eight.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import time
from base64 import b64encode
from dataclasses import dataclass
from statistics import quantiles

from bench.system import System, running_system

CONNECTIONS = 8
TEXT = "You sort the mail of {{company}}.\n" + "Answer in one of the classes below, and say why. " * 20
INCLUDING = "@@@langfusePrompt:name=bench/plain|label=production@@@ and @@@langfusePrompt:name=bench/tone|version=1@@@"


@dataclass(frozen=True)
class Row:
    """Milliseconds for one read, and reads for each second of CPU that the server process takes."""

    name: str
    p50: float
    p95: float
    per_second: float
    per_cpu_second: float


def seed() -> str:
    """Prompts of the first user; the header of a key for them."""
    from accounts.models import User
    from accounts.profile import api_keys
    from prompts import services
    from prompts.drafts import Draft

    owner = User.objects.get(pk=1)
    texts = {"bench/plain": TEXT, "bench/tone": "Be brief.", "bench/including": INCLUDING}
    for name, text in texts.items():
        services.create_prompt(owner=owner, name=name, type="text", draft=Draft(text), labels=["production"])
    key, secret = api_keys.create(user=owner, label="bench", expires_at=None, scopes=["prompts:read"])
    return "Basic " + b64encode(f"{key.prefix}:{secret}".encode()).decode()


class Reader:
    """A bare client: one that parses much would take the core that is measured."""

    def __init__(self, port: int, request: bytes) -> None:
        self._port = port
        self._request = request
        self.seconds: list[float] = []

    async def read(self, times: int, *, status: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        expected = f"HTTP/1.1 {status} ".encode()
        for _ in range(times):
            begun = time.perf_counter()
            writer.write(self._request)
            head = await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(length_in(head))
            self.seconds.append(time.perf_counter() - begun)
            if not head.startswith(expected):
                raise SystemExit(head.decode())
        writer.close()


def length_in(head: bytes) -> int:
    _, found, rest = head.lower().partition(b"content-length:")
    return int(rest.partition(b"\r\n")[0]) if found else 0


def request_for(name: str, authorization: str, port: int, etag: str = "") -> bytes:
    lines = [
        f"GET /api/public/v2/prompts/{name.replace('/', '%2F')} HTTP/1.1",
        f"Host: 127.0.0.1:{port}",
        f"Authorization: {authorization}",
        *([f"If-None-Match: {etag}"] if etag else []),
    ]
    return "\r\n".join([*lines, "", ""]).encode()


async def etag_of(port: int, request: bytes) -> str:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    writer.close()
    return next(line.partition(": ")[2] for line in head.split("\r\n") if line.lower().startswith("etag: "))


async def measured(system: System, name: str, request: bytes, reads: int, *, status: int, connections: int) -> Row:
    await Reader(system.server_port, request).read(50, status=status)
    readers = [Reader(system.server_port, request) for _ in range(connections)]
    cpu, begun = system.cpu_seconds(), time.perf_counter()
    await asyncio.gather(*(reader.read(reads // connections, status=status) for reader in readers))
    elapsed, cpu = time.perf_counter() - begun, system.cpu_seconds() - cpu
    seconds = [second for reader in readers for second in reader.seconds]
    cuts = quantiles(seconds, n=20, method="inclusive")
    return Row(name, cuts[9] * 1000, cuts[18] * 1000, len(seconds) / elapsed, len(seconds) / cpu)


async def wait_until_idle(system: System) -> None:
    """Its providers' SDKs are imported meanwhile, which takes seconds of CPU."""
    before = -1.0
    while (now := system.cpu_seconds()) - before > 0.05:
        before = now
        await asyncio.sleep(1)


async def measure(system: System, authorization: str, reads: int) -> list[Row]:
    await wait_until_idle(system)
    port = system.server_port
    plain, including = (request_for(name, authorization, port) for name in ("bench/plain", "bench/including"))
    known = request_for("bench/plain", authorization, port, await etag_of(port, plain))
    cases = [
        ("a prompt", plain, 200, 1),
        ("one that includes two", including, 200, 1),
        ("one that has not changed (304)", known, 304, 1),
        (f"a prompt, {CONNECTIONS} connections", plain, 200, CONNECTIONS),
    ]
    return [
        await measured(system, name, request, reads, status=status, connections=connections)
        for name, request, status, connections in cases
    ]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.prompts", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--reads", type=int, default=2000, help="of each kind (default: %(default)s)")
    arguments = parser.parse_args()
    os.environ["AISTRALE_LIMIT_API_READS"] = "0"
    with running_system(durable=True) as system:
        rows = asyncio.run(measure(system, seed(), arguments.reads))
    if arguments.json:
        json.dump({"cores": os.cpu_count(), "rows": [vars(row) for row in rows]}, sys.stdout, indent=2)
        print()
        return
    print(f"{os.cpu_count()} cores, shared by the server, the databases and the readers\n")
    print(f"{'':36}{'p50':>9}{'p95':>12}{'reads/s':>11}{'per core':>11}")
    for row in rows:
        print(f"{row.name:36}{row.p50:6.1f} ms{row.p95:9.1f} ms{row.per_second:11,.0f}{row.per_cpu_second:11,.0f}")


if __name__ == "__main__":
    main()
