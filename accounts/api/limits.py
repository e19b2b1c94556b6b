"""How often one API key may ask within a minute, counted in Redis over all server processes.

A process counts ahead: it takes a hundredth of what is allowed at once, and asks Redis again when that is used up.
Never are more requests let through than allowed; fewer by what other processes have taken and not used.
"""

from __future__ import annotations

import math
import time
from threading import Lock

from django.conf import settings
from django.http import HttpRequest
from django_redis import get_redis_connection

from accounts.api.errors import ApiError
from accounts.login import throttling
from accounts.models import ApiKey

WINDOW_SECONDS = 60
SHARES = 100
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")


def count(request: HttpRequest, key: ApiKey) -> None:
    """Reads and writes are counted apart. Raises ApiError (429, with Retry-After) for the first one too many."""
    is_read = request.method in SAFE_METHODS
    most = settings.LIMIT_API_READS if is_read else settings.LIMIT_API_WRITES
    if not most:
        return
    kind = "api_reads" if is_read else "api_writes"
    now = time.time()
    if not _ahead.take(f"{kind}:{key.pk}", minute=int(now // WINDOW_SECONDS), most=most):
        throttling.record_limit_hit(request, kind)
        seconds = math.ceil(WINDOW_SECONDS - now % WINDOW_SECONDS)
        message = f"This key has sent more than {most:,} requests within a minute. Retry in {seconds} s."
        raise ApiError(429, "rate_limit", message, headers={"Retry-After": str(seconds)})


class CountedAhead:
    """By the name of a counter, the minute and how many requests in it are counted in Redis but have not come yet."""

    def __init__(self) -> None:
        self._left: dict[str, tuple[int, int]] = {}
        self._lock = Lock()

    def take(self, name: str, *, minute: int, most: int) -> bool:
        """Whether one more of ``most`` requests in this minute is allowed."""
        if self._add(name, minute, -1):
            return True
        granted = _counted(f"{name}:{minute}", max(1, most // SHARES), most)
        if granted > 1:
            self._add(name, minute, granted - 1)
        return granted > 0

    def _add(self, name: str, minute: int, change: int) -> bool:
        """False, without a change, where that would be less than none."""
        with self._lock:
            since, left = self._left.get(name, (minute, 0))
            left = change if since != minute else left + change
            if left < 0:
                return False
            self._left[name] = (minute, left)
            return True


_ahead = CountedAhead()


def _counted(name: str, wanted: int, most: int) -> int:
    """How many of the ``wanted`` requests fit below ``most``."""
    with get_redis_connection().pipeline(transaction=False) as pipeline:
        pipeline.incrby(name, wanted)
        pipeline.expire(name, 2 * WINDOW_SECONDS)
        total: int = pipeline.execute()[0]
    return max(0, min(wanted, most - total + wanted))
