"""What a run says while it waits to try again: the text of a ``notice``, for pages in whatever process."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Waiting:
    """``kind`` and ``message`` are of the error; ``until`` in seconds since 1970; ``attempt`` is the one to come."""

    kind: str
    message: str
    until: float
    attempt: int
    attempts: int

    @property
    def left(self) -> float:
        """Seconds."""
        return max(0.0, self.until - time.time())

    @property
    def words(self) -> str:
        return f"{self.message} Retrying in {self.left:.0f} s (attempt {self.attempt} of {self.attempts})."


def as_notice(waiting: Waiting) -> str:
    return json.dumps(asdict(waiting))


def waiting_of(notice: str) -> Waiting:
    return Waiting(**json.loads(notice))
