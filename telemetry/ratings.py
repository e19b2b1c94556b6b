"""Thumbs and notes on calls: one for each user and call."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from telemetry.models import Generation, Score

if TYPE_CHECKING:
    from accounts.models import User


def rate_call(*, call: Generation, user: User, value: Score.Value | None, note: str = "") -> Score | None:
    """Set what the user thinks of the call; None takes it back."""
    if value is None:
        Score.objects.filter(user=user, call_id=call.pk).delete()
        return None
    values = {"value": value, "note": note, "prompt_id": call.prompt_id, "prompt_version": call.prompt_version}
    score, _ = Score.objects.update_or_create(user=user, call_id=call.pk, defaults=values)
    return score


def add_ratings(calls: Iterable[Generation | None], viewer: User) -> None:
    """For a page that shows them: ``rating`` of each is what the viewer thinks of it. One query."""
    shown = {call.pk: call for call in calls if call is not None}
    for score in Score.objects.filter(user=viewer, call_id__in=list(shown)) if shown else ():
        shown[score.call_id].rating = score
