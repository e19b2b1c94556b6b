"""Output of the key commands: a progress bar on a terminal, plain lines elsewhere, nothing beside JSON."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.core.management.base import CommandError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

from tokens.envelope import EnvelopeError
from tokens.locks import RotationBusy
from tokens.models import RotationStep
from tokens.rotation import Progress as Step
from tokens.rotation import Tell

_SECONDS_BETWEEN_LINES = 5.0


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text(f"{task.speed or 0:,.0f} rows/s")


@contextmanager
def progress(*, silent: bool, write_line: Callable[[str], None]) -> Iterator[Tell]:
    if silent:
        yield lambda step: None
    elif sys.stderr.isatty():
        with _bar() as tell:
            yield tell
    else:
        yield _lines(write_line)


@contextmanager
def refusals() -> Iterator[None]:
    """Turns errors that keep a key command from starting into exit code 2."""
    try:
        yield
    except (RotationBusy, EnvelopeError) as error:
        raise CommandError(str(error), returncode=2) from None
    except KeyboardInterrupt:
        raise CommandError("Stopped. Every value can be read; run the command again to go on.", returncode=1) from None


@contextmanager
def _bar() -> Iterator[Tell]:
    shown = [TextColumn("{task.description:<24}"), BarColumn(), MofNCompleteColumn(), _Rate(), TimeRemainingColumn()]
    with Progress(*shown, console=Console(stderr=True)) as bar:
        tasks = {}

        def tell(step: Step) -> None:
            if step.step not in tasks:
                tasks[step.step] = bar.add_task(RotationStep(step.step).label)
            bar.update(tasks[step.step], completed=step.done, total=step.total)

        yield tell


def _lines(write_line: Callable[[str], None]) -> Tell:
    started = written = time.monotonic()

    def tell(step: Step) -> None:
        nonlocal written
        now = time.monotonic()
        if step.done < step.total and now - written < _SECONDS_BETWEEN_LINES:
            return
        written = now
        label = RotationStep(step.step).label
        write_line(f"{label}: {step.done:,} of {step.total:,} rows after {now - started:.1f} s")

    return tell
