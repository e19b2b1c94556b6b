"""Links that hold a secret, and the rate limit of wrong ones."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from allauth.core.ratelimit import respond_429
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from accounts.login import throttling

View = Callable[..., HttpResponse]
GONE = 410


def reset_link(uid: str, key: str) -> str:
    """The link to set a new password, at the public URL whatever the Host header of the request says."""
    names = {"uidb36": uid, "key": key}
    return f"{settings.PUBLIC_ORIGIN}{reverse('account_reset_password_from_key', kwargs=names)}"


def secret_link(view: View) -> View:
    """Rate limit for a view whose URL holds a secret, and which answers 410 where that is wrong."""

    @wraps(view)
    def wrapper(request: HttpRequest, **arguments: Any) -> HttpResponse:
        if throttling.must_wait(request, throttling.LINK):
            refusal: HttpResponse = respond_429(request)
            return refusal
        response = view(request, **arguments)
        if response.status_code == GONE:
            throttling.note_failure(request, throttling.LINK)
        return response

    return wrapper
