"""Sessions in Redis, which an outage of Redis does not end."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.sessions.backends.cache import SessionStore as CacheStore
from django.core.cache import caches


class SessionStore(CacheStore):
    def load(self) -> dict[str, Any]:
        """Django's own store takes an unreachable cache for an unknown session and so logs everybody out."""
        data = caches[settings.SESSION_CACHE_ALIAS].get(self.cache_key)
        if data is not None:
            return dict(data)
        self._session_key = None
        return {}
