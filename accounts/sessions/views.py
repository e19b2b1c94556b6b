"""The page of one's own sessions."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from accounts.requests import UserRequest
from accounts.sessions.services import MOST_SHOWN, end_sessions, live_sessions
from accounts.sessions.store import key_digest
from audit.text import counted


@require_safe
def session_list(request: UserRequest) -> HttpResponse:
    current = key_digest(str(request.session.session_key))
    rows = [(session, session.digest == current) for session in live_sessions(request.user)]
    return render(request, "accounts/session_list.html", {"rows": rows, "most": MOST_SHOWN})


@require_POST
def session_end(request: UserRequest, pk: int) -> HttpResponse:
    current = request.session.session_key
    if not end_sessions(user=request.user, actor=request.user, only=[pk], keep=current):
        raise Http404
    messages.success(request, "Session signed out")
    return redirect("accounts:session-list")


@require_POST
def session_end_others(request: UserRequest) -> HttpResponse:
    ended = end_sessions(user=request.user, actor=request.user, keep=request.session.session_key)
    messages.success(request, f"Signed out {counted(ended, 'other session')}")
    return redirect("accounts:session-list")
