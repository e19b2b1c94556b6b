"""What AISTRALE adds to a call: ``python -m bench [--peer litellm] [--json]``.

Starts throw-away databases, the server and a provider with 20 ms between chunks, and reads the same stream directly
and through a chat page's socket, by turns; and through a peer, where one is named. Log-in, decryption, recording,
pricing and audit are all on.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import chain
from statistics import quantiles

from bench.clients import Reading, read_directly
from bench.peer import PEERS, Proxy, running_proxy
from bench.provider import CHUNK_SECONDS
from bench.system import System, conversations, running_system

WARM_UP, ROUNDS, CHUNKS = 10, 60, 25
# Of a conversation that is gone on with, and questions in the same moment.
MESSAGES, AT_ONCE = 40, 20
# Streams are started one after the other, so that what is measured is many of them, not their start.
START_SECONDS, STEADY_SECONDS = 0.1, 5.0
STREAM_STEPS = (10, 20, 30, 40, 60, 80, 100, 130, 160, 200)
Read = Callable[[int], Awaitable[Reading]]


@dataclass(frozen=True)
class Row:
    name: str
    direct: float | None
    through: float
    unit: str
    peer: float | None = None

    @property
    def added(self) -> float | None:
        return None if self.direct is None else self.through - self.direct


def percentile(values: Sequence[float], percent: int) -> float:
    return quantiles(values, n=100, method="inclusive")[percent - 1]


async def latency_rows(direct: Read, through: Read, below: Callable[[], Awaitable[Reading]], peer: Read) -> list[Row]:
    """By turns, so that whatever else the machine does meets all alike. The first rounds warm up."""
    rounds = [
        (await direct(CHUNKS), await through(CHUNKS), await peer(CHUNKS), await below())
        for _ in range(WARM_UP + ROUNDS)
    ][WARM_UP:]
    straight, new, other, long = (list(side) for side in zip(*rounds, strict=True))

    def row(name: str, value: Callable[[Reading], Sequence[float]], percent: int, through: list[Reading]) -> Row:
        direct, shown, compared = (
            percentile(list(chain.from_iterable(map(value, side))), percent) * 1000
            for side in (straight, through, other)
        )
        return Row(f"{name} p{percent}", direct, shown, "ms", compared)

    rows = []
    for percent in (50, 95):
        rows.append(row("time to first token", lambda reading: [reading.first_token], percent, new))
        rows.append(row(f"the same below {MESSAGES} messages", lambda reading: [reading.first_token], percent, long))
    rows += [row("question to provider", lambda reading: [reading.to_provider], percent, new) for percent in (50, 95)]
    return rows + [row("delay per chunk", lambda reading: reading.delays[1:], percent, new) for percent in (50, 95)]


async def cpu_row(system: System, through: Read, *, streams: int = 10, chunks: int = 500) -> Row:
    before = system.cpu_seconds()
    await asyncio.gather(*(through(chunks) for _ in range(streams)))
    used = system.cpu_seconds() - before
    return Row("CPU per 1,000 chunks", None, used / (streams * chunks) * 1000, "s")


async def burst_row(direct: Read, through: Read, peer: Read) -> Row:
    """Many who ask in the same moment."""

    async def first_token(read: Read) -> float:
        readings = [one for _ in range(5) for one in await asyncio.gather(*(read(CHUNKS) for _ in range(AT_ONCE)))]
        return percentile([reading.first_token for reading in readings], 50) * 1000

    name = f"time to first token of {AT_ONCE} at once p50"
    return Row(name, await first_token(direct), await first_token(through), "ms", await first_token(peer))


async def gap_p95(read: Read, streams: int) -> float:
    """Seconds between chunks at the 95th percentile, from the last start of a stream to the first end of one."""

    async def one(number: int) -> Reading:
        await asyncio.sleep(number * START_SECONDS)
        return await read(int((streams * START_SECONDS + STEADY_SECONDS) / CHUNK_SECONDS))

    readings = await asyncio.gather(*(one(number) for number in range(streams)))
    start = max(reading.arrivals[0] for reading in readings) + 0.5
    end = min(reading.arrivals[-1] for reading in readings)
    return percentile(list(chain.from_iterable(reading.gaps(start, end) for reading in readings)), 95)


async def parallel_rows(direct: Read, through: Read) -> list[Row]:
    """The most streams with a p95 within 10 % of the provider's pace, and the same without AISTRALE."""
    return [Row("parallel streams on one process", await most(direct), await most(through), "")]


async def most(read: Read) -> int:
    best = 0
    for streams in STREAM_STEPS:
        if await gap_p95(read, streams) > CHUNK_SECONDS * 1.1:
            break
        best = streams
    return best


async def measure(system: System, proxy: Proxy | None) -> list[Row]:
    """Without a peer, its column is that of the direct way, and is not shown."""

    def direct(chunks: int) -> Awaitable[Reading]:
        return read_directly(system.provider_port, chunks)

    peer = proxy.read if proxy else direct
    long = iter(await asyncio.to_thread(conversations, WARM_UP + ROUNDS, messages=MESSAGES))
    rows = await latency_rows(direct, system.read, lambda: system.read_below(next(long), CHUNKS), peer)
    rows.append(await burst_row(direct, system.read, peer))
    rows.append(await cpu_row(system, system.read))
    return rows + await parallel_rows(direct, system.read)


def table(rows: list[Row], peer: str | None) -> str:
    lines = [f"{'':34}{'direct':>12}{'AISTRALE':>12}{'added':>12}{peer or '':>12}"]
    for row in rows:
        figures = [row.direct, row.through, row.added if row.unit == "ms" else None, row.peer if peer else None]
        shown = ["" if figure is None else f"{figure:.2f}".removesuffix(".00") for figure in figures]
        lines.append(f"{f'{row.name} ({row.unit})' if row.unit else row.name:34}" + "".join(f"{s:>12}" for s in shown))
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--peer", choices=PEERS, help="measure this proxy in the same run; it is installed first")
    arguments = parser.parse_args()
    with ExitStack() as stack:
        system = stack.enter_context(running_system(durable=True))
        proxy = stack.enter_context(running_proxy(system.provider_port)) if arguments.peer else None
        rows = asyncio.run(measure(system, proxy))
    if arguments.json:
        kept = ("name", "unit", "direct", "through", *(("peer",) if arguments.peer else ()))
        figures = [{name: getattr(row, name) for name in kept} for row in rows]
        json.dump({"cores": os.cpu_count(), "rows": figures}, sys.stdout, indent=2)
        print()
    else:
        print(f"{os.cpu_count()} cores, shared by AISTRALE, the databases, the provider and the readers\n")
        print(table(rows, arguments.peer))


if __name__ == "__main__":
    main()
