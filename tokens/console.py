"""Output of the key commands: a progress bar on a terminal, plain lines elsewhere, nothing beside JSON."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.core.management.base import CommandError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from tokens.envelope import EnvelopeError
from tokens.locks import RotationBusy
from tokens.models import RotationStep
from tokens.rotation import Progress as Step
from tokens.rotation import Tell

_SECONDS_BETWEEN_LINES = 5.0


@contextmanager
def progress(*, silent: bool, write_line: Callable[[str], None]) -> Iterator[Tell]:
    if silent:
        yield lambda step: None
    elif not sys.stderr.isatty():
        yield _lines(write_line)
    else:
        shown = [TextColumn("{task.description:<24}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()]
        with Progress(*shown, console=Console(stderr=True)) as bar:
            tasks = {step.value: bar.add_task(step.label, total=None, visible=False) for step in RotationStep}
            yield lambda step: bar.update(tasks[step.step], completed=step.done, total=step.total, visible=True)


@contextmanager
def refusals() -> Iterator[None]:
    """Turns errors that keep a key command from starting into exit code 2."""
    try:
        yield
    except (RotationBusy, EnvelopeError) as error:
        raise CommandError(str(error), returncode=2) from None
    except KeyboardInterrupt:
        raise CommandError("Stopped. Every value can be read; run the command again to go on.", returncode=1) from None


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
