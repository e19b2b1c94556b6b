"""Session activity, API keys, rate-limit answers and required second factors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from accounts.api.auth import TooManyUnknown, throttled
from accounts.login import throttling
from accounts.login.mfa import lacks_factor
from accounts.models import User
from accounts.profile import scopes
from accounts.profile.api_keys import KeyRefused
from accounts.sessions import services as session_services

TEXT = "text/plain; charset=utf-8"
GetResponse = Callable[[HttpRequest], HttpResponse]
# Sent by pages that ask on their own; a page that is merely open does not keep its session alive.
POLL_HEADER = "X-Poll"
# Pages that can be read with an API key of this scope instead of a session. The API asks for keys itself.
FOR_PROGRAMS = {"audit:event-export-csv": scopes.READ_AUDIT, "audit:event-export-jsonl": scopes.READ_AUDIT}
# What somebody may still do who has to set up a second factor first.
WITHOUT_FACTOR = {"account_logout", "account_reauthenticate", "account_change_password", "accounts:theme"}


def activity_middleware(get_response: GetResponse) -> GetResponse:
    def middleware(request: HttpRequest) -> HttpResponse:
        key = request.session.session_key
        response = get_response(request)
        has_session = request.user.is_authenticated and request.session.session_key
        if has_session and POLL_HEADER not in request.headers:
            session_services.follow_session(request=request, key_before=key)
        return response

    return middleware


class ApiKeyMiddleware:
    """Lets programs in with ``Authorization: Bearer KEY``, to read those few pages that are made for them."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Callable[..., Any], *args: Any) -> HttpResponse | None:
        scheme, _, key = request.headers.get("Authorization", "").partition(" ")
        name = request.resolver_match.view_name if request.resolver_match else ""
        if scheme.lower() != "bearer" or name not in FOR_PROGRAMS or request.method not in ("GET", "HEAD"):
            return None
        try:
            known = throttled(request, key.strip())
        except TooManyUnknown:
            return HttpResponse("Too many unknown keys.\n", TEXT, 429)
        except KeyRefused:
            return HttpResponse("This key is not valid.\n", TEXT, 401, headers={"WWW-Authenticate": "Bearer"})
        request.user = known.user
        if not known.allows(FOR_PROGRAMS[name]):
            return HttpResponse(f"This key lacks the scope {FOR_PROGRAMS[name]}.\n", TEXT, 403)
        return None


def throttle_middleware(get_response: GetResponse) -> GetResponse:
    """Sets status and Retry-After where a form has refused a rate-limited attempt."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        if seconds := throttling.throttled_for(request):
            response.status_code = 429
            response["Retry-After"] = str(seconds)
        return response

    return middleware


class FactorMiddleware:
    """Sends everybody who must have a second factor and has none to where it is set up."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Callable[..., Any], *_: Any) -> HttpResponse | None:
        user = request.user
        if not getattr(view, "login_required", True) or not isinstance(user, User) or not lacks_factor(user):
            return None
        name = request.resolver_match.view_name if request.resolver_match else ""
        if name in WITHOUT_FACTOR or name.startswith("mfa_"):
            return None
        page = reverse("mfa_index")
        if "HX-Request" in request.headers:
            return HttpResponse(status=204, headers={"HX-Redirect": page})
        return HttpResponseRedirect(page)
