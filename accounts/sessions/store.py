"""Sessions in Redis. An outage of Redis does not end them, their own age does, and nothing stored opens one.

What is stored goes by a digest of the key that the browser holds, so whoever reads Redis or the database cannot take
anybody's place.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable, Mapping
from typing import Any

from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.cache import KEY_PREFIX
from django.contrib.sessions.backends.cache import SessionStore as CacheStore
from django.core.cache import caches

# Seconds since 1970, in the session itself: when its user logged in, and was last active.
STARTED, SEEN = "started_at", "seen_at"


class SessionStore(CacheStore):
    @property
    def cache_key(self) -> str:
        return stored_key(key_digest(super().cache_key.removeprefix(KEY_PREFIX)))

    async def acache_key(self) -> str:
        return stored_key(key_digest((await super().acache_key()).removeprefix(KEY_PREFIX)))

    def load(self) -> dict[str, Any]:
        """Django's own store takes an unreachable cache for an unknown session and so logs everybody out."""
        data = caches[settings.SESSION_CACHE_ALIAS].get(self.cache_key)
        if data is not None and is_over(data):
            self.delete()
            data = None
        if data is not None:
            return dict(data)
        self._session_key = None
        return {}

    async def aload(self) -> dict[str, Any]:
        return await sync_to_async(self.load)()

    def exists(self, session_key: str) -> bool:
        return bool(session_key) and stored_key(key_digest(session_key)) in caches[settings.SESSION_CACHE_ALIAS]

    async def aexists(self, session_key: str) -> bool:
        return await sync_to_async(self.exists)(session_key)

    def delete(self, session_key: str | None = None) -> None:
        if key := session_key or self.session_key:
            end_stored([key_digest(key)])

    async def adelete(self, session_key: str | None = None) -> None:
        await sync_to_async(self.delete)(session_key)


def key_digest(session_key: str) -> str:
    """64 hexadecimal digits. A session key is random enough to need no salt."""
    return hashlib.sha256(session_key.encode()).hexdigest()


def stored_key(digest: str) -> str:
    return KEY_PREFIX + digest


def redis_key(session_key: str) -> str:
    """Under which Redis itself has the session, for whoever asks it without Django."""
    return str(caches[settings.SESSION_CACHE_ALIAS].make_key(stored_key(key_digest(session_key))))


def stored_sessions(digests: Iterable[str]) -> dict[str, dict[str, Any]]:
    """By digest, the data of those sessions that are neither ended nor too old."""
    names = {stored_key(digest): digest for digest in digests}
    found = caches[settings.SESSION_CACHE_ALIAS].get_many(names)
    return {names[name]: data for name, data in found.items() if not is_over(data)}


def end_stored(digests: Iterable[str]) -> None:
    caches[settings.SESSION_CACHE_ALIAS].delete_many([stored_key(digest) for digest in digests])


def is_over(data: Mapping[str, Any]) -> bool:
    """Whether a session's user was away for too long or logged in too long ago; never so before the log-in."""
    if SESSION_KEY not in data:
        return False
    now = time.time()
    idle, age = now - data.get(SEEN, 0), now - data.get(STARTED, 0)
    return bool(idle > settings.SESSION_IDLE_SECONDS or age > settings.SESSION_COOKIE_AGE)
