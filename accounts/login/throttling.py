"""How long somebody has to wait who failed too often. django-allauth keeps the failures, in Redis.

Failures are of log-ins, or wrong secrets, which are counted by address: those of links that let somebody in, and of API
keys. Only what has failed counts. Passwords and codes are checked one after the other, so that each attempt finds the
failures of all before it: however many are sent at once, no more wrong ones are tried than one after the other, and
right ones stop nobody. (Of several server processes, each may try one more.)
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager

from allauth.core.internal.ratelimit import consume, get_cache_key, get_ip, get_rates
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from accounts.admission import Slots, outside
from accounts.models import User
from audit.actions import Action
from audit.services import record_denied

APP = "allauth.account"
# As in ACCOUNT_RATE_LIMITS.
LOGIN, LINK, API_KEY = "login_failed", "link_refused", "api_key_unknown"
RECORD_EVERY_SECONDS = 60
# The hash of a password takes 100 MiB and all cores for a fraction of a second.
ATTEMPT_WAIT_SECONDS = 60.0
_attempts = Slots(1, waiting=300)
_ATTRIBUTE = "throttled_for"


def refusal(request: HttpRequest, key: str) -> ValidationError:
    """For the form. The answer to ``request`` becomes a 429 with Retry-After, see ``accounts.middleware``."""
    seconds = max(1, seconds_to_wait(request, LOGIN, key))
    setattr(request, _ATTRIBUTE, seconds)
    return ValidationError(
        f"Too many failed attempts. Wait {humanize_wait(seconds)}, then try again.", code="throttled"
    )


def must_wait(request: HttpRequest, action: str) -> bool:
    """Whether this address has sent too many wrong secrets. If so, the answer is to be a 429, see ``refusal``."""
    seconds = seconds_to_wait(request, action)
    setattr(request, _ATTRIBUTE, seconds)
    return bool(seconds)


def note_failure(request: HttpRequest, action: str, key: str | None = None) -> None:
    consume(request, app=APP, action=action, key=key, limit_get=True)


@contextmanager
def in_turn() -> Iterator[None]:
    """Around the check of a password or a code. Raises Busy where too many are waiting to have theirs checked."""
    with outside(), _attempts.held(within=ATTEMPT_WAIT_SECONDS):
        yield


def record_limit_hit(request: HttpRequest, limit: str) -> None:
    """Once within a minute for each address, however often it is tried. Not inside a transaction."""
    if cache.add(f"limit-hit:{limit}:{get_ip(request)}", 1, timeout=RECORD_EVERY_SECONDS):
        user = getattr(request, "user", None)
        actor = user if isinstance(user, User) else None
        record_denied(action=Action.LIMIT_HIT, actor=actor, target=actor, details={"limit": limit})


def seconds_to_wait(request: HttpRequest, action: str, key: str | None = None) -> int:
    """Until the oldest failure that counts is forgotten; 0 where another attempt may be made now."""
    longest = 0.0
    for rate in get_rates(app=APP, action=action):
        history = cache.get(get_cache_key(request, app=APP, action=action, rate=rate, key=key), [])
        if len(history) >= rate.amount:
            longest = max(longest, history[rate.amount - 1] + rate.duration - time.time())
    return math.ceil(longest)


def throttled_for(request: HttpRequest) -> int | None:
    seconds: int | None = getattr(request, _ATTRIBUTE, None)
    return seconds


def humanize_wait(seconds: int) -> str:
    amount, unit = (seconds, "second") if seconds < 60 else (math.ceil(seconds / 60), "minute")
    return f"{amount} {unit}{'' if amount == 1 else 's'}"
