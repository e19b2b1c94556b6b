"""The last errors of this process, for the system page: in memory, so that it works whatever else fails.

They are gone after a restart; the log itself is what standard error is written to.
"""

from __future__ import annotations

import json
import logging
from collections import deque
from dataclasses import dataclass
from datetime import datetime

KEPT = 50
LONGEST = 300


@dataclass(frozen=True, slots=True)
class LoggedError:
    """``detail``: the last line of the traceback, or ''. Nothing in it is secret: it comes from the redacted log."""

    at: datetime
    event: str
    logger: str
    detail: str
    request_id: str


_kept: deque[LoggedError] = deque(maxlen=KEPT)


def recent() -> list[LoggedError]:
    """The newest first."""
    return list(reversed(_kept))


class RecentErrors(logging.Handler):
    """Needs a formatter that gives one JSON object, see ``aistrale.logs``."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            entry = json.loads(self.format(record))
        except Exception:
            return self.handleError(record)
        lines = str(entry.get("exception", "")).strip().splitlines() or [str(entry.get("error", ""))]
        _kept.append(
            LoggedError(
                at=datetime.fromisoformat(entry["timestamp"]),
                event=str(entry["event"])[:LONGEST],
                logger=str(entry.get("logger", "")),
                detail=lines[-1][:LONGEST],
                request_id=str(entry.get("request_id", "")),
            )
        )
