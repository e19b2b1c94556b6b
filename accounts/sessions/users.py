"""The current users of sessions, for connections that outlive a request."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY
from django.utils.crypto import constant_time_compare

from accounts.login.mfa import without_lacking
from accounts.models import User
from accounts.sessions.store import key_digest, stored_sessions


def user_of_session(session_key: str | None) -> User | None:
    """The active user of a session that is neither ended nor made void by a new password, else None."""
    return users_of_sessions([session_key]).get(session_key) if session_key else None


def users_of_sessions(session_keys: Collection[str]) -> dict[str, User]:
    """By session key, the same for many: two questions in all. Left out: who lacks a second factor by policy."""
    digests = {key: key_digest(key) for key in session_keys}
    sessions = stored_sessions(digests.values())
    owners = {session[SESSION_KEY] for session in sessions.values() if SESSION_KEY in session}
    allowed = without_lacking(User.objects.filter(pk__in=owners, is_active=True))
    users = {str(user.pk): user for user in allowed}
    found = {key: _owner(sessions.get(digest, {}), users) for key, digest in digests.items()}
    return {key: user for key, user in found.items() if user is not None}


def _owner(session: dict[str, Any], users: dict[str, User]) -> User | None:
    user = users.get(session.get(SESSION_KEY, ""))
    if user is None or not constant_time_compare(session.get(HASH_SESSION_KEY, ""), user.get_session_auth_hash()):
        return None
    return user
