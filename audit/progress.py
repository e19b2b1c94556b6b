"""Progress of commands that read the whole log: a bar on a terminal, else a line every 100,000 entries."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator, Iterable

from rich.console import Console
from rich.progress import track

from audit.chain import ChainEntry

_EVERY = 100_000


def watcher(
    description: str, total: int, write_line: Callable[[str], None]
) -> Callable[[Iterable[ChainEntry]], Iterable[ChainEntry]]:
    """A wrapper of an iterable of entries that reports progress as they are read."""

    def bar(entries: Iterable[ChainEntry]) -> Iterable[ChainEntry]:
        return track(entries, description, total, console=Console(stderr=True), transient=True)

    def lines(entries: Iterable[ChainEntry]) -> Generator[ChainEntry]:
        for count, entry in enumerate(entries, start=1):
            yield entry
            if count % _EVERY == 0:
                write_line(f"{description}: {count:,} of {total:,}")

    return bar if sys.stderr.isatty() else lines
