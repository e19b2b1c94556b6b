"""The request as views of signed-in users see it."""

from __future__ import annotations

from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails

from accounts.models import User


class UserRequest(HttpRequest):
    """A request behind LoginRequiredMiddleware, HtmxMiddleware and AuthenticationMiddleware."""

    user: User
    htmx: HtmxDetails
