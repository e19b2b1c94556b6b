"""The request as views of signed-in users see it, and views that are not for all of them."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase
from django_htmx.middleware import HtmxDetails

from accounts.models import User

P = ParamSpec("P")
Response = TypeVar("Response", bound=HttpResponseBase)


class UserRequest(HttpRequest):
    """A request behind LoginRequiredMiddleware, HtmxMiddleware and AuthenticationMiddleware."""

    user: User
    htmx: HtmxDetails


def administrators_only(
    view: Callable[Concatenate[UserRequest, P], Response],
) -> Callable[Concatenate[UserRequest, P], Response]:
    """Others are refused before anything is looked up, so that the answer tells nothing."""

    @wraps(view)
    def guarded(request: UserRequest, /, *args: P.args, **kwargs: P.kwargs) -> Response:
        if not request.user.is_administrator:
            raise PermissionDenied
        return view(request, *args, **kwargs)

    return guarded
