"""The request as views of signed-in users see it, views that are not for all of them, and the page that confirms."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.forms import BaseForm
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render, resolve_url
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


def confirm_page(
    request: UserRequest,
    *,
    heading: str,
    title: str,
    text: str,
    verb: str,
    cancel: str | Model,
    form: BaseForm | None = None,
    variant: str = "destructive",
) -> HttpResponse:
    """Asks before a dangerous step, in the dialog where htmx fetches it. ``cancel`` is what ``resolve_url`` takes."""
    context = {"heading": heading, "title": title, "text": text, "verb": verb, "form": form, "variant": variant}
    template = "confirm.html#dialog" if request.htmx else "confirm.html"
    status = 422 if form and form.is_bound else 200
    return render(request, template, {**context, "cancel": resolve_url(cancel)}, status=status)
