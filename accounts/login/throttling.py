"""How long somebody has to wait who failed too often. django-allauth counts the failures, in Redis."""

from __future__ import annotations

import math
import time

from allauth.core.internal.ratelimit import get_cache_key, get_rates
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.http import HttpRequest

APP, ACTION = "allauth.account", "login_failed"
_ATTRIBUTE = "throttled_for"


def refusal(request: HttpRequest, key: str) -> ValidationError:
    """For the form. The answer to ``request`` becomes a 429 with Retry-After, see ``accounts.middleware``."""
    seconds = seconds_to_wait(request, key)
    setattr(request, _ATTRIBUTE, seconds)
    return ValidationError(f"Too many failed attempts. Wait {in_words(seconds)}, then try again.", code="throttled")


def seconds_to_wait(request: HttpRequest, key: str) -> int:
    """Until the oldest failure that counts is forgotten; at least 1."""
    longest = 1.0
    for rate in get_rates(app=APP, action=ACTION):
        history = cache.get(get_cache_key(request, app=APP, action=ACTION, rate=rate, key=key), [])
        if len(history) >= rate.amount:
            longest = max(longest, history[rate.amount - 1] + rate.duration - time.time())
    return math.ceil(longest)


def throttled_for(request: HttpRequest) -> int | None:
    seconds: int | None = getattr(request, _ATTRIBUTE, None)
    return seconds


def in_words(seconds: int) -> str:
    amount, unit = (seconds, "second") if seconds < 60 else (math.ceil(seconds / 60), "minute")
    return f"{amount} {unit}{'' if amount == 1 else 's'}"
