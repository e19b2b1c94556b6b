"""What this process knows of open sockets: how many, how fast they ask, and what they stopped before it began."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from uuid import UUID

KEEP_STOPS_SECONDS = 60.0
MESSAGES_AT_ONCE = 20
MESSAGES_PER_SECOND = 5.0


@dataclass
class MessageRate:
    """A store of messages that fills up again by and by."""

    left: float = MESSAGES_AT_ONCE
    filled_at: float | None = None

    def take(self, *, now: float) -> bool:
        """Whether one more message is allowed at ``now``, a time in seconds that never goes back."""
        since = 0.0 if self.filled_at is None else now - self.filled_at
        self.left = min(MESSAGES_AT_ONCE, self.left + since * MESSAGES_PER_SECOND)
        self.filled_at = now
        if self.left < 1:
            return False
        self.left -= 1
        return True


@dataclass
class OpenSockets:
    """How many sockets each person has open."""

    _open: Counter[int] = field(default_factory=Counter)

    def enter(self, user_pk: int, *, limit: int) -> bool:
        """False where there are ``limit`` already; 0 is no limit."""
        if 0 < limit <= self._open[user_pk]:
            return False
        self._open[user_pk] += 1
        return True

    def leave(self, user_pk: int) -> None:
        self._open[user_pk] -= 1
        if self._open[user_pk] <= 0:
            del self._open[user_pk]


class EarlyStops:
    """Stops that arrive before their run has started.

    A stop is kept for a while under its user and the id that the page gave the message.
    """

    def __init__(self) -> None:
        self._asked_at: dict[tuple[int, UUID], float] = {}

    def note(self, user_pk: int, client_id: UUID, *, now: float) -> None:
        """``now``: seconds that never go back."""
        self._asked_at = {form: then for form, then in self._asked_at.items() if now - then < KEEP_STOPS_SECONDS}
        self._asked_at[user_pk, client_id] = now

    def take(self, user_pk: int, client_id: UUID) -> bool:
        """Whether a stop was noted; it is forgotten with that."""
        return self._asked_at.pop((user_pk, client_id), None) is not None
