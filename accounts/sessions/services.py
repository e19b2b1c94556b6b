"""Starting, tracking and ending sessions. Redis holds the sessions, the database what users may know of them."""

from __future__ import annotations

import time
from collections.abc import Collection
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from accounts.actions import AccountsAction
from accounts.models import User, UserSession
from accounts.sessions.store import SEEN, STARTED, SessionStore, end_stored, key_digest, stored_sessions
from audit.services import record

# On one page: a script that logs in again and again leaves thousands.
MOST_SHOWN = 100


def begin_session(*, request: HttpRequest, user: User, **_: Any) -> None:
    """Receives Django's signal of a log-in. Forgets the user's sessions that are too old to be alive."""
    too_old = timezone.now() - timedelta(seconds=settings.SESSION_COOKIE_AGE)
    UserSession.objects.filter(user=user, started_at__lt=too_old).delete()
    now = time.time()
    request.session[STARTED] = request.session[SEEN] = now
    UserSession.objects.update_or_create(
        digest=key_digest(str(request.session.session_key)), defaults={"user": user, **_client(request)}
    )


def forget_session(*, request: HttpRequest, **_: Any) -> None:
    """Receives Django's signal of a log-out."""
    if request.session.session_key:
        UserSession.objects.filter(digest=key_digest(request.session.session_key)).delete()


def follow_session(*, request: HttpRequest, key_before: str | None) -> None:
    """Notes that its user is active, at most once a minute, and under which key it goes on after a new password."""
    key = str(request.session.session_key)
    if key_before and key_before != key:
        UserSession.objects.filter(digest=key_digest(key_before)).update(digest=key_digest(key))
    # Not that of a session which this very request has ended: to save it would be an error.
    if _is_due(request.session.get(SEEN, 0)) and request.session.exists(key):
        request.session[SEEN] = time.time()
        _note(key, **_client(request))


def note_activity(*, session_key: str) -> None:
    """The same for a message by socket, which does not save the session by itself."""
    session = SessionStore(session_key)
    if _is_due(session.get(SEEN, 0)) and session.session_key:
        session[SEEN] = time.time()
        session.save()
        _note(session_key)


def live_sessions(user: User) -> list[UserSession]:
    """The newest first, at most MOST_SHOWN. Those that have ended by themselves are cleared away."""
    sessions = list(UserSession.objects.filter(user=user).order_by("-last_seen_at")[:MOST_SHOWN])
    alive = stored_sessions([session.digest for session in sessions])
    UserSession.objects.filter(pk__in=[session.pk for session in sessions if session.digest not in alive]).delete()
    return [session for session in sessions if session.digest in alive]


@transaction.atomic
def end_sessions(
    *, user: User, actor: User | None, keep: str | None = None, only: Collection[int] | None = None
) -> int:
    """Ends the sessions of ``user`` but the one with the key ``keep``, or ``only`` those; returns how many."""
    ending = UserSession.objects.filter(user=user)
    if keep:
        ending = ending.exclude(digest=key_digest(keep))
    if only is not None:
        ending = ending.filter(pk__in=only)
    digests = list(ending.values_list("digest", flat=True))
    if digests:
        # Before the commit: should that fail, a session has ended too early, never too late.
        end_stored(digests)
        ending.delete()
        record(action=AccountsAction.SESSION_END, actor=actor, target=user, after={"sessions": len(digests)})
    return len(digests)


def _is_due(seen: float) -> bool:
    return time.time() - seen >= min(60, settings.SESSION_IDLE_SECONDS / 10)


def _note(key: str, **changes: Any) -> None:
    UserSession.objects.filter(digest=key_digest(key)).update(last_seen_at=timezone.now(), **changes)


def _client(request: HttpRequest) -> dict[str, Any]:
    agent = request.META.get("HTTP_USER_AGENT", "")[: UserSession.LONGEST_AGENT]
    return {"address": request.META.get("REMOTE_ADDR") or None, "user_agent": agent}
