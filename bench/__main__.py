"""What AISTRALE adds to a call: ``python -m bench [--json]``.

Starts throw-away databases, the server and a provider with 20 ms between chunks, and reads the same stream directly
and through a chat page's socket, by turns. Log-in, decryption, recording, pricing and audit are all on.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from itertools import chain
from statistics import quantiles

from bench.clients import Reading, read_directly
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

    @property
    def added(self) -> float | None:
        return None if self.direct is None else self.through - self.direct


def percentile(values: Sequence[float], percent: int) -> float:
    return quantiles(values, n=100, method="inclusive")[percent - 1]


async def latency_rows(direct: Read, through: Read, below: Callable[[], Awaitable[Reading]]) -> list[Row]:
    """By turns, so that whatever else the machine does meets all alike. The first rounds warm up."""
    rounds = [(await direct(CHUNKS), await through(CHUNKS), await below()) for _ in range(WARM_UP + ROUNDS)][WARM_UP:]
    pairs = [(straight, new) for straight, new, _ in rounds]

    def figures(percent: int, value: Callable[[Reading], float]) -> list[float]:
        return [percentile([value(row[side]) for row in rounds], percent) * 1000 for side in (0, 1, 2)]

    rows = []
    for percent in (50, 95):
        straight, new, long = figures(percent, lambda reading: reading.first_token)
        rows.append(Row(f"time to first token p{percent}", straight, new, "ms"))
        rows.append(Row(f"the same below {MESSAGES} messages p{percent}", straight, long, "ms"))
    for percent in (50, 95):
        straight, new, _ = figures(percent, lambda reading: reading.to_provider)
        rows.append(Row(f"question to provider p{percent}", straight, new, "ms"))
    for percent in (50, 95):
        delays = [
            percentile(list(chain.from_iterable(pair[side].delays[1:] for pair in pairs)), percent) * 1000
            for side in (0, 1)
        ]
        rows.append(Row(f"delay per chunk p{percent}", delays[0], delays[1], "ms"))
    return rows


async def cpu_row(system: System, through: Read, *, streams: int = 10, chunks: int = 500) -> Row:
    before = system.cpu_seconds()
    await asyncio.gather(*(through(chunks) for _ in range(streams)))
    used = system.cpu_seconds() - before
    return Row("CPU per 1,000 chunks", None, used / (streams * chunks) * 1000, "s")


async def burst_row(direct: Read, through: Read) -> Row:
    """Many who ask in the same moment."""

    async def first_token(read: Read) -> float:
        readings = [one for _ in range(5) for one in await asyncio.gather(*(read(CHUNKS) for _ in range(AT_ONCE)))]
        return percentile([reading.first_token for reading in readings], 50) * 1000

    name = f"time to first token of {AT_ONCE} at once p50"
    return Row(name, await first_token(direct), await first_token(through), "ms")


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


async def measure(system: System) -> list[Row]:
    def direct(chunks: int) -> Awaitable[Reading]:
        return read_directly(system.provider_port, chunks)

    long = iter(await asyncio.to_thread(conversations, WARM_UP + ROUNDS, messages=MESSAGES))
    rows = await latency_rows(direct, system.read, lambda: system.read_below(next(long), CHUNKS))
    rows.append(await burst_row(direct, system.read))
    rows.append(await cpu_row(system, system.read))
    return rows + await parallel_rows(direct, system.read)


def table(rows: list[Row]) -> str:
    lines = [f"{'':34}{'direct':>12}{'AISTRALE':>12}{'added':>12}"]
    for row in rows:
        figures = [row.direct, row.through, row.added if row.unit == "ms" else None]
        shown = ["" if figure is None else f"{figure:.2f}".removesuffix(".00") for figure in figures]
        lines.append(f"{f'{row.name} ({row.unit})' if row.unit else row.name:34}" + "".join(f"{s:>12}" for s in shown))
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    arguments = parser.parse_args()
    with running_system(durable=True) as system:
        rows = asyncio.run(measure(system))
    if arguments.json:
        figures = [{"name": row.name, "unit": row.unit, "direct": row.direct, "through": row.through} for row in rows]
        json.dump({"cores": os.cpu_count(), "rows": figures}, sys.stdout, indent=2)
        print()
    else:
        print(f"{os.cpu_count()} cores, shared by AISTRALE, the databases, the provider and the readers\n")
        print(table(rows))


if __name__ == "__main__":
    main()
