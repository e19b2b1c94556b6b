"""Stops that arrive before the run they mean is known."""

from __future__ import annotations

from uuid import UUID

KEEP_SECONDS = 60.0


class EarlyStops:
    """Remembers for a while which forms are not to be run on, by their user and the id that the page gave them."""

    def __init__(self) -> None:
        self._asked_at: dict[tuple[int, UUID], float] = {}

    def note(self, user_pk: int, client_id: UUID, *, now: float) -> None:
        """``now``: seconds that never go back."""
        self._asked_at = {form: then for form, then in self._asked_at.items() if now - then < KEEP_SECONDS}
        self._asked_at[user_pk, client_id] = now

    def take(self, user_pk: int, client_id: UUID) -> bool:
        """Whether a stop was noted; it is forgotten with that."""
        return self._asked_at.pop((user_pk, client_id), None) is not None
