"""Who a session belongs to at this moment, for connections that outlive a request."""

from __future__ import annotations

from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY
from django.utils.crypto import constant_time_compare

from accounts.models import User
from accounts.sessions import SessionStore


def user_of_session(session_key: str | None) -> User | None:
    """The active user of a session that is neither ended nor made void by a new password, else None."""
    session = SessionStore(session_key)
    user = User.objects.filter(pk=session.get(SESSION_KEY, 0), is_active=True).first()
    if user is None or not constant_time_compare(session.get(HASH_SESSION_KEY, ""), user.get_session_auth_hash()):
        return None
    return user
