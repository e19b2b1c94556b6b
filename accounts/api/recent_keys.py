"""API keys that were found valid a moment ago, so that of hundreds of requests a second one asks the database.

A key that is revoked or expires, or whose user is deactivated, is refused after ``settings.API_KEY_RECHECK_SECONDS`` at
the latest.
"""

from __future__ import annotations

import hashlib
import time

from django.conf import settings

from accounts.models import ApiKey

MOST = 1000
# By a digest of both halves: no secret stays in memory for it.
_valid: dict[bytes, tuple[float, ApiKey]] = {}


def recently_valid(secret: str, public: str | None) -> ApiKey | None:
    """The key with its ``user``, as it was then."""
    until, key = _valid.get(_name_of(secret, public), (0.0, None))
    return key if until > time.monotonic() else None


def remember(key: ApiKey, secret: str, public: str | None) -> None:
    if len(_valid) >= MOST:
        _valid.clear()
    _valid[_name_of(secret, public)] = (time.monotonic() + settings.API_KEY_RECHECK_SECONDS, key)


def _name_of(secret: str, public: str | None) -> bytes:
    return hashlib.sha256(f"{public}\n{secret}".encode()).digest()
