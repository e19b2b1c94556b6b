"""Links that let in whoever has them: nobody guesses at them for long, and their secret stays out of the log."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from allauth.core.ratelimit import respond_429
from django.conf import settings
from django.contrib.auth.tokens import PasswordResetTokenGenerator
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from accounts.login import throttling
from accounts.models import User
from audit import known_secrets

View = Callable[..., HttpResponse]
GONE = 410


def reset_link(uid: str, key: str) -> str:
    """Where a new password is set: at the public address, whatever name the request was sent to that asks for it."""
    names = {"uidb36": uid, "key": key}
    return f"{settings.PUBLIC_URL}{reverse('account_reset_password_from_key', kwargs=names)}"


class ResetKeys(PasswordResetTokenGenerator):
    """Django's own: a key holds once, for a day, and not after the next log-in."""

    def make_token(self, user: User) -> str:
        key = super().make_token(user)
        known_secrets.remember(key)
        return key

    def check_token(self, user: User | None, token: str | None) -> bool:
        is_right = super().check_token(user, token)
        if is_right:
            known_secrets.remember(str(token))
        return is_right


def secret_link(view: View) -> View:
    """For a view whose address holds a secret, and which answers 410 to one that opens nothing."""

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
