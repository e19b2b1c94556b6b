"""Steps that a stolen or forgotten session is not enough for: who takes one has confirmed anew who they are."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

from allauth.account.adapter import get_adapter
from allauth.account.internal.flows.login import get_authentication_records
from allauth.account.internal.flows.reauthentication import did_recently_reauthenticate
from allauth.core.exceptions import ReauthenticationRequired
from django.conf import settings
from django.http import HttpRequest

BY_SSO = "socialaccount"

P = ParamSpec("P")
Request = TypeVar("Request", bound=HttpRequest)
Response = TypeVar("Response")


def require_confirmation(request: HttpRequest) -> None:
    """Raises ReauthenticationRequired, which a middleware answers with the page that asks for it."""
    if not is_confirmed(request):
        raise ReauthenticationRequired


def is_confirmed(request: HttpRequest) -> bool:
    return did_recently_reauthenticate(request) and (has_own_way(request) or _confirmed_by_sso(request))


def has_own_way(request: HttpRequest) -> bool:
    """Without a password or a passkey here, only the provider can be asked again; allauth asks nobody."""
    return bool(get_adapter().get_reauthentication_methods(request.user))


def _confirmed_by_sso(request: HttpRequest) -> bool:
    ways = get_authentication_records(request, request.user)
    times = [way["at"] for way in ways if way["method"] == BY_SSO and way.get("reauthenticated")]
    return bool(times) and time.time() - times[-1] < settings.ACCOUNT_REAUTHENTICATION_TIMEOUT


def confirmed(
    view: Callable[Concatenate[Request, P], Response],
) -> Callable[Concatenate[Request, P], Response]:
    """For views whose form is not even shown before."""

    @wraps(view)
    def guarded(request: Request, /, *args: P.args, **kwargs: P.kwargs) -> Response:
        require_confirmation(request)
        return view(request, *args, **kwargs)

    return guarded
