"""Rate limits of failed attempts, kept in Redis.

Counted are failed log-ins, by address and by user at that address; wrong codes and passkeys, by address and by user;
and wrong secrets by address: those of links that let somebody in, and of API keys. Only failures count. Passwords,
codes and passkeys are checked one after the other, so that each attempt finds the failures of all before it: however
many are sent at once, no more wrong ones are tried than one after the other, and right ones stop nobody. (Of several
server processes, each may try one more.)
"""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from ipaddress import IPv6Address, IPv6Network, ip_address
from typing import Any, cast
from uuid import uuid4

from allauth.account.adapter import get_adapter
from allauth.core.ratelimit import respond_429
from django.conf import settings
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django_redis import get_redis_connection

from accounts.actions import AccountsAction
from accounts.admission import Slots, release_slot
from accounts.models import User
from audit.services import record_denied
from audit.text import counted

GONE = 410
LOGIN, LINK, API_KEY = "login_failed", "link_refused", "api_key_unknown"
RECORD_EVERY_SECONDS = 60
# The hash of a password takes 100 MiB and all cores for a fraction of a second, on a busy machine for more than one.
ATTEMPT_WAIT_SECONDS = 110.0
_attempts = Slots(1, waiting=300)
_ATTRIBUTE = "throttled_for"
_IPV6_PREFIX = 64  # what a provider hands out to one customer


@contextmanager
def in_turn() -> Iterator[None]:
    """Around the check of a password or a code. Raises Busy where too many are waiting to have theirs checked."""
    with release_slot(), _attempts.held(within=ATTEMPT_WAIT_SECONDS):
        yield


@contextmanager
def attempt(request: HttpRequest, key: str, *, user: User | None) -> Iterator[None]:
    """Around the check of a code or passkey, in turn; a ValidationError counts as a failure.

    Raises a ValidationError where the attempt comes too soon after too many failures.
    """
    with in_turn():
        check_limit(request, key, user=user)
        try:
            yield
        except ValidationError:
            note_failure(request, LOGIN, key)
            raise


def check_limit(request: HttpRequest, key: str, *, user: User | None) -> None:
    """Raises a ValidationError for the form; the answer becomes a 429 with Retry-After, see ``accounts.middleware``."""
    if not (seconds := seconds_to_wait(request, LOGIN, key)):
        return
    setattr(request, _ATTRIBUTE, seconds)
    record_denied(action=AccountsAction.LIMIT_HIT, actor=None, target=user)
    text = f"Too many failed attempts. Wait {humanize_wait(seconds)}, then try again."
    raise ValidationError(text, code="throttled")


def must_wait(request: HttpRequest, action: str) -> bool:
    """Whether this address has sent too many wrong secrets. If so, the answer is to be a 429."""
    seconds = seconds_to_wait(request, action)
    setattr(request, _ATTRIBUTE, seconds)
    return bool(seconds)


def secret_link(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Rate limit for a view whose URL holds a secret, and which answers 410 where that is wrong."""

    @wraps(view)
    def wrapper(request: HttpRequest, **arguments: Any) -> HttpResponse:
        if must_wait(request, LINK):
            refusal: HttpResponse = respond_429(request)
            return refusal
        response = view(request, **arguments)
        if response.status_code == GONE:
            note_failure(request, LINK)
        return response

    return wrapper


def throttled_for(request: HttpRequest) -> int | None:
    seconds: int | None = getattr(request, _ATTRIBUTE, None)
    return seconds


def record_limit_hit(request: HttpRequest, limit: str) -> None:
    """Once within a minute for each address, however often it is tried. Not inside a transaction."""
    if cache.add(f"limit-hit:{limit}:{_network_of(request)}", 1, timeout=RECORD_EVERY_SECONDS):
        user = getattr(request, "user", None)
        actor = user if isinstance(user, User) else None
        record_denied(action=AccountsAction.LIMIT_HIT, actor=actor, target=actor, details={"limit": limit})


def note_failure(request: HttpRequest, action: str, key: str | None = None) -> None:
    now = time.time()
    with get_redis_connection().pipeline() as pipeline:
        for name, (_, seconds) in _counters(request, action, key).items():
            pipeline.zadd(name, {uuid4().hex: now})
            pipeline.zremrangebyscore(name, 0, now - seconds)
            pipeline.expire(name, seconds)
        pipeline.execute()


def seconds_to_wait(request: HttpRequest, action: str, key: str | None = None) -> int:
    """Until the oldest failure that counts is forgotten; 0 where another attempt may be made now."""
    longest = 0.0
    for name, (failures, seconds) in _counters(request, action, key).items():
        oldest = get_redis_connection().zrange(name, failures - 1, failures - 1, desc=True, withscores=True)
        for _, failed_at in cast("list[tuple[Any, float]]", oldest):
            longest = max(longest, failed_at + seconds - time.time())
    return math.ceil(longest)


def _counters(request: HttpRequest, action: str, key: str | None) -> dict[str, tuple[int, int]]:
    """Where failures are counted, and how many within how many seconds are too many. Names no user."""
    counters = {f"{action}:{_network_of(request)}": settings.FAILURES_PER_ADDRESS}
    if key is not None:
        counters[f"{action}:{hashlib.sha256(key.encode()).hexdigest()}"] = settings.FAILURES_PER_KEY
    return counters


def _network_of(request: HttpRequest) -> str:
    address = ip_address(get_adapter().get_client_ip(request))
    return str(IPv6Network((address, _IPV6_PREFIX), strict=False) if isinstance(address, IPv6Address) else address)


def humanize_wait(seconds: int) -> str:
    return counted(seconds, "second") if seconds < 60 else counted(math.ceil(seconds / 60), "minute")
