"""Output of the key commands: lines about their progress, and refusals."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.core.management.base import CommandError

from tokens.envelope import EnvelopeError
from tokens.locks import RotationBusy
from tokens.models import RotationStep
from tokens.rotation import Progress, Tell

_SECONDS_BETWEEN_LINES = 5.0


@contextmanager
def refusals() -> Iterator[None]:
    """Turns errors that keep a key command from starting into exit code 2."""
    try:
        yield
    except (RotationBusy, EnvelopeError) as error:
        raise CommandError(str(error), returncode=2) from None
    except KeyboardInterrupt:
        raise CommandError("Stopped. Every value can be read; run the command again to go on.", returncode=1) from None


def progress(write_line: Callable[[str], None]) -> Tell:
    """Writes a line at the end of each step, and now and then within it."""
    started = written = time.monotonic()

    def tell(progress: Progress) -> None:
        nonlocal written
        now = time.monotonic()
        if progress.done < progress.total and now - written < _SECONDS_BETWEEN_LINES:
            return
        written = now
        label = RotationStep(progress.step).label
        write_line(f"{label}: {progress.done:,} of {progress.total:,} rows after {now - started:.1f} s")

    return tell
