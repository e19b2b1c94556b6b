"""Starting a child process again that has ended by itself."""

from __future__ import annotations

import time
from collections.abc import Callable

from aistrale.embedded import Child, ServerError

# Seconds before each further start; whoever ends once more after the last one is given up.
PAUSES = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0)
# One that has run for so long has recovered, and its pauses begin anew.
STEADY_SECONDS = 60.0


class Crashed(Exception):
    """A part ended by itself, and starting it again is of no use."""


class Part:
    """One child of an installation, and how another one takes its place. ``poll`` is to be called all the time."""

    def __init__(self, child: Child, start: Callable[[Child], Child], *, is_vital: bool = True) -> None:
        """``start`` gets the child that has ended. One that is not vital is never given up."""
        self.child = child
        self._is_vital = is_vital
        self._start = start
        self._failures = 0
        self._started_at = time.monotonic()
        self._due_at: float | None = None

    def poll(self, say: Callable[[str], None], *, may_start: bool = True) -> None:
        """Start it again if it has ended and its pause is over. Raises Crashed when it has done so too often."""
        if self._due_at is not None:
            if may_start and time.monotonic() >= self._due_at:
                self._start_again(say)
        elif self.child.exit_code is None:
            self.child.keep_guarded()
        else:
            if time.monotonic() - self._started_at > STEADY_SECONDS:
                self._failures = 0
            self._wait(f"{self.child.name} ended by itself (exit code {self.child.exit_code}).", say)

    def _start_again(self, say: Callable[[str], None]) -> None:
        try:
            self.child = self._start(self.child)
        except (ServerError, OSError) as error:
            self._wait(f"{self.child.name} cannot be started: {error}", say)
        else:
            self._due_at, self._started_at = None, time.monotonic()
            say(f"{self.child.name} was started again.")

    def _wait(self, reason: str, say: Callable[[str], None]) -> None:
        if self._failures == len(PAUSES) and self._is_vital:
            raise Crashed(
                f"{reason} It was given up after {self._failures} new starts in a row, and everything else was stopped."
            )
        pause = PAUSES[min(self._failures, len(PAUSES) - 1)]
        self._failures = min(self._failures + 1, len(PAUSES))
        self._due_at = time.monotonic() + pause
        say(f"{reason} Starting it again in {pause:g} s.")
