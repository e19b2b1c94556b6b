"""Whom a program acts for: both halves of an API key come by HTTP Basic, or the secret one as a bearer token."""

from __future__ import annotations

from django.http import HttpRequest
from ninja.security import HttpBasicAuth, HttpBearer

from accounts.api import limits, recent_keys
from accounts.api.errors import ApiError
from accounts.login import throttling
from accounts.models import ApiKey, User
from accounts.profile import api_keys, scopes
from accounts.profile.api_keys import KeyRefused


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
    key = recent_keys.recently_valid(secret, public)
    if key is None:
        key = _authenticate(request, secret, public)
        recent_keys.remember(key, secret, public)
    request.user = key.user
    limits.count(request, key)
    return key


def _authenticate(request: HttpRequest, secret: str, public: str | None) -> ApiKey:
    """Raises ApiError: 401, 429."""
    if throttling.must_wait(request, throttling.API_KEY):
        throttling.record_limit_hit(request, throttling.API_KEY)
        headers = {"Retry-After": str(throttling.throttled_for(request))}
        raise ApiError(429, "too_many_unknown_keys", "This address has sent too many unknown keys.", headers=headers)
    try:
        return api_keys.authenticate(secret, public=public)
    except KeyRefused as refusal:
        if refusal.reason == KeyRefused.UNKNOWN:
            throttling.note_failure(request, throttling.API_KEY)
        raise unauthorized() from refusal
