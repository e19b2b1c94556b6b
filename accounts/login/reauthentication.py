"""Reauthentication before dangerous steps, for which a stolen session must not be enough."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

from allauth.account.adapter import get_adapter
from allauth.account.authentication import get_authentication_records
from allauth.core.exceptions import ReauthenticationRequired
from django.conf import settings
from django.http import HttpRequest

_SSO_CONFIRMED_AT = "sso_confirmed_at"  # in the session

P = ParamSpec("P")
Request = TypeVar("Request", bound=HttpRequest)
Response = TypeVar("Response")


def require_confirmation(request: HttpRequest) -> None:
    """Raises ReauthenticationRequired, which a middleware answers with the page that asks for it."""
    if not is_confirmed(request):
        raise ReauthenticationRequired


def is_confirmed(request: HttpRequest) -> bool:
    ways = get_authentication_records(request, request.user) if has_local_method(request) else []
    times = [request.session.get(_SSO_CONFIRMED_AT, 0), *(way["at"] for way in ways if way.get("reauthenticated"))]
    return bool(time.time() - max(times) < settings.ACCOUNT_REAUTHENTICATION_TIMEOUT)


def note_confirmed_by_sso(request: HttpRequest) -> None:
    request.session[_SSO_CONFIRMED_AT] = time.time()


def has_local_method(request: HttpRequest) -> bool:
    """Whoever has neither password nor passkey here can only be asked by the provider of single sign-on."""
    return bool(get_adapter().get_reauthentication_methods(request.user))


def confirmed(
    view: Callable[Concatenate[Request, P], Response],
) -> Callable[Concatenate[Request, P], Response]:
    """Decorator of views that require reauthentication before they show anything."""

    @wraps(view)
    def guarded(request: Request, /, *args: P.args, **kwargs: P.kwargs) -> Response:
        require_confirmation(request)
        return view(request, *args, **kwargs)

    return guarded
