"""Servers of a site's own that can be stopped in mid-work and continued: to whoever talks to them they hang."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from aistrale.embedded import Child, Servers, database_url, redis_url
from aistrale.tests.end_to_end.browser import Site, add_administrator, running_site
from aistrale.tests.processes import reachable_directory


@dataclass(frozen=True)
class OwnServers:
    """A site whose PostgreSQL and Valkey nobody else uses. Its administrator is ADMIN with PASSWORD."""

    site: Site
    _children: dict[str, Child]

    @contextmanager
    def stopped(self, names: Collection[str]) -> Iterator[None]:
        """``PostgreSQL``, ``Valkey`` or both, with all their processes."""
        try:
            self._signal(names, signal.SIGSTOP)
            yield
        finally:
            self._signal(names, signal.SIGCONT)

    def _signal(self, names: Collection[str], number: signal.Signals) -> None:
        for name in names:
            for pid in family_of(self._children[name].pid):
                # A worker of PostgreSQL may have ended by itself.
                with suppress(ProcessLookupError):
                    os.kill(pid, number)


def family_of(pid: int) -> list[int]:
    """A process and those that it has started."""
    listing = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    pairs = [line.split() for line in listing.splitlines()]
    return [pid, *(one for child, parent in pairs if int(parent) == pid for one in family_of(int(child)))]


@contextmanager
def site_with_own_servers(directory: Path, **environment: str) -> Iterator[OwnServers]:
    with reachable_directory() as home:
        servers = Servers(home, throwaway=True)
        servers.start()
        try:
            urls = {"DATABASE_URL": database_url(home), "REDIS_URL": redis_url(home)}
            with running_site(directory, **urls, **environment) as site:
                add_administrator(site)
                yield OwnServers(site, {child.name: child for child in servers.children})
        finally:
            servers.stop()
