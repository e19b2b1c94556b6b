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

P = ParamSpec("P")
Request = TypeVar("Request", bound=HttpRequest)
Response = TypeVar("Response")


def require_confirmation(request: HttpRequest) -> None:
    """Raises ReauthenticationRequired, which a middleware answers with the page that asks for it."""
    if not did_recently_reauthenticate(request) or not (_has_own_way(request) or _came_by_sso_recently(request)):
        raise ReauthenticationRequired


def _has_own_way(request: HttpRequest) -> bool:
    """Without a password or a second factor here, only the provider can be asked again; allauth asks nobody."""
    return bool(get_adapter().get_reauthentication_methods(request.user))


def _came_by_sso_recently(request: HttpRequest) -> bool:
    times = [way["at"] for way in get_authentication_records(request, request.user) if way["method"] == "socialaccount"]
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
