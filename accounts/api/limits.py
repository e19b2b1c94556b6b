"""How often one API key may ask within a minute, counted in Redis over all server processes."""

from __future__ import annotations

import math
import time

from django.conf import settings
from django.http import HttpRequest
from django_redis import get_redis_connection

from accounts.api.errors import ApiError
from accounts.login import throttling
from accounts.models import ApiKey

WINDOW_SECONDS = 60
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")


def count(request: HttpRequest, key: ApiKey) -> None:
    """Reads and writes are counted apart. Raises ApiError (429, with Retry-After) for the first one too many."""
    is_read = request.method in SAFE_METHODS
    most = settings.LIMIT_API_READS if is_read else settings.LIMIT_API_WRITES
    if not most:
        return
    kind = "api_reads" if is_read else "api_writes"
    now = time.time()
    name = f"{kind}:{key.pk}:{int(now // WINDOW_SECONDS)}"
    with get_redis_connection().pipeline(transaction=False) as pipeline:
        pipeline.incr(name)
        pipeline.expire(name, 2 * WINDOW_SECONDS)
        requests, _ = pipeline.execute()
    if requests > most:
        throttling.record_limit_hit(request, kind)
        seconds = math.ceil(WINDOW_SECONDS - now % WINDOW_SECONDS)
        message = f"This key has sent more than {most:,} requests within a minute. Retry in {seconds} s."
        raise ApiError(429, "rate_limit", message, headers={"Retry-After": str(seconds)})
