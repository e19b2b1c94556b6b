"""How many answers one person, and everybody together, may ask for. Counted where they are stored, so exactly."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.utils import timezone

from accounts.actions import AccountsAction
from audit.services import record_denied

if TYPE_CHECKING:
    from accounts.models import User

WINDOW = timedelta(minutes=1)
# Advisory locks no other part takes: "runs" in ASCII, and then a user, or 0 for everybody.
_LOCK = 0x72756E73
# In one round trip; the snapshot of the second statement is taken when the lock is ours.
_LOCK_THEN_COUNT = """
SELECT pg_advisory_xact_lock(%(lock)s, %(locked)s);
SELECT
  (SELECT count(*) FROM telemetry_generation WHERE status = 'running' AND user_id = %(user)s),
  (SELECT count(*) FROM telemetry_generation WHERE status = 'running' AND %(open_in_all)s > 0),
  (SELECT started_at FROM telemetry_generation WHERE user_id = %(user)s AND %(per_minute)s > 0
     AND started_at > %(since)s AND id >= telemetry_first_id(%(since)s)
   ORDER BY started_at DESC, id DESC OFFSET greatest(%(per_minute)s - %(wanted)s, 0) LIMIT 1)
"""


@dataclass(frozen=True, slots=True)
class LimitHit:
    """A limit that stands in the way, and what to tell its user."""

    kind: str
    message: str


def limit_reached(user: User, *, wanted: int = 1) -> LimitHit | None:
    """Within the transaction that starts runs: until it ends, no other run of whom it concerns is counted."""
    open_of_user, open_in_all, nth_newest = _count(user, wanted)
    if 0 < settings.LIMIT_OPEN_RUNS < wanted:
        return LimitHit("open", f"{wanted} answers at once are too many: {settings.LIMIT_OPEN_RUNS} are allowed.")
    if 0 < settings.LIMIT_OPEN_RUNS < open_of_user + wanted:
        coming = "1 answer is" if open_of_user == 1 else f"{open_of_user} answers are"
        return LimitHit("open", f"{coming} still coming. Wait until one of yours has ended, or stop one.")
    if 0 < settings.LIMIT_OPEN_RUNS_IN_ALL < open_in_all + wanted:
        return LimitHit(
            "open_in_all", "Everybody together has as many answers coming as this server allows. Try again."
        )
    seconds = math.ceil((nth_newest + WINDOW - timezone.now()).total_seconds()) if nth_newest else 0
    if seconds <= 0:
        return None
    asked = f"You have asked {settings.LIMIT_RUNS_PER_MINUTE} times within a minute, which is as often as is allowed."
    return LimitHit("per_minute", f"{asked} Wait {seconds} second{'' if seconds == 1 else 's'}, then send it again.")


def _count(user: User, wanted: int) -> tuple[int, int, datetime | None]:
    values: dict[str, int | datetime] = {
        "lock": _LOCK,
        "locked": 0 if settings.LIMIT_OPEN_RUNS_IN_ALL else user.pk,
        "user": user.pk,
        "open_in_all": settings.LIMIT_OPEN_RUNS_IN_ALL,
        "per_minute": settings.LIMIT_RUNS_PER_MINUTE,
        "wanted": wanted,
        "since": timezone.now() - WINDOW,
    }
    with connection.cursor() as cursor:
        cursor.execute(_LOCK_THEN_COUNT, values)
        cursor.nextset()
        counted: tuple[int, int, datetime | None] = cursor.fetchone()
    return counted


def note_limit_hit(user: User, kind: str) -> None:
    """Recorded once within a minute, however often it is tried. Not inside a transaction."""
    if cache.add(f"limit-hit:{kind}:{user.pk}", 1, timeout=WINDOW.total_seconds()):
        record_denied(action=AccountsAction.LIMIT_HIT, actor=user, target=user, details={"limit": kind})
