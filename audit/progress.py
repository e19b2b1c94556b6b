"""Progress of commands that walk the log: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator, Iterable

from rich.console import Console
from rich.progress import track

from audit.chain import Link

_EVERY = 100_000


def watcher(
    description: str, total: int, write_line: Callable[[str], None]
) -> Callable[[Iterable[Link]], Iterable[Link]]:
    """Something that passes links on as they are read and tells of it."""

    def bar(links: Iterable[Link]) -> Iterable[Link]:
        return track(links, description, total, console=Console(stderr=True), transient=True)

    def lines(links: Iterable[Link]) -> Generator[Link]:
        for count, link in enumerate(links, start=1):
            yield link
            if count % _EVERY == 0:
                write_line(f"{description}: {count:,} of {total:,}")

    return bar if sys.stderr.isatty() else lines
