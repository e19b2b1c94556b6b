"""Steps that a stolen or forgotten session is not enough for: who takes one has confirmed anew who they are."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

from allauth.account.internal.flows.reauthentication import did_recently_reauthenticate
from allauth.core.exceptions import ReauthenticationRequired
from django.http import HttpRequest

P = ParamSpec("P")
Request = TypeVar("Request", bound=HttpRequest)
Response = TypeVar("Response")


def require_confirmation(request: HttpRequest) -> None:
    """Raises ReauthenticationRequired, which a middleware answers with the page that asks for it."""
    if not did_recently_reauthenticate(request):
        raise ReauthenticationRequired


def confirmed(
    view: Callable[Concatenate[Request, P], Response],
) -> Callable[Concatenate[Request, P], Response]:
    """For views whose form is not even shown before."""

    @wraps(view)
    def guarded(request: Request, /, *args: P.args, **kwargs: P.kwargs) -> Response:
        require_confirmation(request)
        return view(request, *args, **kwargs)

    return guarded
