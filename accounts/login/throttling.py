"""How long somebody has to wait who failed too often. django-allauth counts the failures, in Redis.

Failures are of log-ins, counted by django-allauth itself, or wrong secrets, which are counted here by address: those of
links that let somebody in, and of API keys.
"""

from __future__ import annotations

import math
import time

from allauth.core.internal.ratelimit import consume, get_cache_key, get_ip, get_rates
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from accounts.models import User
from audit.actions import Action
from audit.services import record_denied

APP = "allauth.account"
# As in ACCOUNT_RATE_LIMITS.
LOGIN, LINK, API_KEY = "login_failed", "link_refused", "api_key_unknown"
RECORD_EVERY_SECONDS = 60
_ATTRIBUTE = "throttled_for"


def refusal(request: HttpRequest, key: str) -> ValidationError:
    """For the form. The answer to ``request`` becomes a 429 with Retry-After, see ``accounts.middleware``."""
    seconds = seconds_to_wait(request, LOGIN, key)
    setattr(request, _ATTRIBUTE, seconds)
    return ValidationError(f"Too many failed attempts. Wait {in_words(seconds)}, then try again.", code="throttled")


def must_wait(request: HttpRequest, action: str) -> bool:
    """Whether this address has sent too many wrong secrets. If so, the answer is to be a 429, see ``refusal``."""
    if consume(request, app=APP, action=action, dry_run=True, limit_get=True):
        return False
    setattr(request, _ATTRIBUTE, seconds_to_wait(request, action))
    return True


def note_wrong_secret(request: HttpRequest, action: str) -> None:
    consume(request, app=APP, action=action, limit_get=True)


def record_limit_hit(request: HttpRequest, limit: str) -> None:
    """Once within a minute for each address, however often it is tried. Not inside a transaction."""
    if cache.add(f"limit-hit:{limit}:{get_ip(request)}", 1, timeout=RECORD_EVERY_SECONDS):
        user = getattr(request, "user", None)
        actor = user if isinstance(user, User) else None
        record_denied(action=Action.LIMIT_HIT, actor=actor, target=actor, details={"limit": limit})


def seconds_to_wait(request: HttpRequest, action: str, key: str | None = None) -> int:
    """Until the oldest failure that counts is forgotten; at least 1."""
    longest = 1.0
    for rate in get_rates(app=APP, action=action):
        history = cache.get(get_cache_key(request, app=APP, action=action, rate=rate, key=key), [])
        if len(history) >= rate.amount:
            longest = max(longest, history[rate.amount - 1] + rate.duration - time.time())
    return math.ceil(longest)


def throttled_for(request: HttpRequest) -> int | None:
    seconds: int | None = getattr(request, _ATTRIBUTE, None)
    return seconds


def in_words(seconds: int) -> str:
    amount, unit = (seconds, "second") if seconds < 60 else (math.ceil(seconds / 60), "minute")
    return f"{amount} {unit}{'' if amount == 1 else 's'}"
