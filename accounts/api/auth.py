"""Whom a program acts for: both halves of an API key come by HTTP Basic, or the secret one as a bearer token."""

from __future__ import annotations

import hashlib
import time

from django.conf import settings
from django.http import HttpRequest
from ninja.security import HttpBasicAuth, HttpBearer

from accounts.api import limits
from accounts.api.errors import ApiError
from accounts.login import throttling
from accounts.models import ApiKey, User
from accounts.profile import api_keys, scopes
from accounts.profile.api_keys import KeyRefused

# Keys that were found valid a moment ago, so that of hundreds of requests a second one asks the database. They go by a
# digest of both halves, so that no secret stays in memory, with the time until when they are not looked up again.
MOST_KEPT = 1000
_valid: dict[bytes, tuple[float, ApiKey]] = {}


class TooManyUnknown(Exception):
    """The address has sent too many unknown keys; the answer is to be a 429."""


class ApiRequest(HttpRequest):
    """A request that has passed ``AUTH``."""

    auth: ApiKey
    user: User


class BasicKey(HttpBasicAuth):
    def authenticate(self, request: HttpRequest, username: str, password: str) -> ApiKey:
        return _admit(request, password, public=username)


class BearerKey(HttpBearer):
    def authenticate(self, request: HttpRequest, token: str) -> ApiKey:
        return _admit(request, token)


AUTH = (BasicKey(), BearerKey())


def unauthorized() -> ApiError:
    message = "Send an API key that is valid: public and secret key by HTTP Basic, or the secret key as a bearer token."
    return ApiError(401, "invalid_key", message, headers={"WWW-Authenticate": 'Basic realm="API"'})


def require(request: ApiRequest, kind: str, name: str) -> None:
    """Raises ApiError (403) where the key has no scope of this kind, or none for this name."""
    if not request.auth.allows(kind, name):
        raise ApiError(403, "missing_scope", f"This API key lacks the scope {kind} for “{name}”.")


def granted(request: ApiRequest, kind: str) -> list[str]:
    """Beginnings of the names that the key has this scope for, '' for all. Raises ApiError (403) for none."""
    if not (found := scopes.prefixes(request.auth.scopes, kind)):
        raise ApiError(403, "missing_scope", f"This API key lacks the scope {kind}.")
    return found


def _admit(request: HttpRequest, secret: str, *, public: str | None = None) -> ApiKey:
    """The user of the key is that of the request from here on. Raises ApiError: 401, 429."""
    name = hashlib.sha256(f"{public}\n{secret}".encode()).digest()
    until, key = _valid.get(name, (0.0, None))
    if key is None or until <= time.monotonic():
        key = _looked_up(request, secret, public)
        if len(_valid) >= MOST_KEPT:
            _valid.clear()
        _valid[name] = (time.monotonic() + settings.API_KEY_RECHECK_SECONDS, key)
    request.user = key.user
    limits.count(request, key)
    return key


def _looked_up(request: HttpRequest, secret: str, public: str | None) -> ApiKey:
    try:
        return throttled(request, secret, public=public)
    except TooManyUnknown as refusal:
        headers = {"Retry-After": str(throttling.throttled_for(request))}
        raise ApiError(429, "too_many_unknown_keys", str(refusal), headers=headers) from refusal
    except KeyRefused as refusal:
        raise unauthorized() from refusal


def throttled(request: HttpRequest, secret: str, *, public: str | None = None) -> ApiKey:
    """``api_keys.authenticate``, with the rate limit of unknown keys. Raises KeyRefused, TooManyUnknown."""
    if throttling.must_wait(request, throttling.API_KEY):
        throttling.record_limit_hit(request, throttling.API_KEY)
        raise TooManyUnknown("This address has sent too many unknown keys.")
    try:
        return api_keys.authenticate(secret, public=public)
    except KeyRefused as refusal:
        if refusal.reason == KeyRefused.UNKNOWN:
            throttling.note_failure(request, throttling.API_KEY)
        raise
