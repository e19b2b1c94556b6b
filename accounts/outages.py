"""Errors by which a server that we need is out of reach, and what they are called in words."""

from __future__ import annotations

import redis.exceptions
from django.db import InterfaceError, OperationalError

CACHE_OUTAGES = (redis.exceptions.ConnectionError, redis.exceptions.TimeoutError)
OUTAGES = (OperationalError, InterfaceError, *CACHE_OUTAGES)


def humanize_outage(error: Exception) -> str:
    """A sentence about one of the ``OUTAGES``."""
    part = "cache" if isinstance(error, CACHE_OUTAGES) else "database"
    return f"The {part} does not answer at the moment."
