"""Starting and looking at processes, and directories that the account of the embedded servers can reach."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from aistrale.embedded import Child
from aistrale.embedded.process import command_of

MANAGE = Path(__file__).resolve().parents[2] / "manage.py"


def wait_until(condition: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "It did not happen in time."
        time.sleep(0.05)


def lines_until(beginning: str, lines: Iterator[str]) -> Iterator[str]:
    """Those up to the one that begins so, or all if none does."""
    for line in lines:
        yield line
        if line.startswith(beginning):
            return


def drop(output: IO[bytes]) -> None:
    """Read it until its end: a full pipe would stop what writes it."""
    with output:
        for _ in output:
            pass


def ended(pid: int) -> bool:
    return command_of(pid) == ""


@contextmanager
def running_worker(environment: dict[str, str]) -> Iterator[Child]:
    """`manage.py worker` in the environment of a site."""
    worker = Child("The worker", [sys.executable, MANAGE, "worker"], environment=environment)
    try:
        yield worker
    finally:
        worker.stop(within=10)
        worker.output.close()


@contextmanager
def reachable_directory() -> Iterator[Path]:
    """pytest's own directories are for us alone, and so out of reach for a server that runs as somebody else."""
    with tempfile.TemporaryDirectory(prefix="aistrale-test-") as name:
        Path(name).chmod(0o711)
        yield Path(name)
