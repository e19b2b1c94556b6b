"""Admin actions on users. Each requires reauthentication, then a confirmation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.response import TemplateResponse

from accounts.login.mfa import remove_factors
from accounts.login.reauthentication import require_confirmation
from accounts.models import User
from accounts.people.services import password_link
from accounts.sessions.services import end_sessions
from audit.services import batch
from audit.text import counted

Links = list[tuple[User, str]]


def _asked(title: str, text: str, verb: str) -> Callable[..., Callable[..., TemplateResponse | None]]:
    """Decorator of an action: asks on a page of its own first. The links that it returns are shown on that page."""

    def decorator(act: Callable[[HttpRequest, QuerySet[User]], Links | None]) -> Callable[..., TemplateResponse | None]:
        @admin.action(description=title)
        @wraps(act)
        def action(
            model_admin: admin.ModelAdmin[User], request: HttpRequest, users: QuerySet[User]
        ) -> TemplateResponse | None:
            require_confirmation(request)
            links = None
            if "confirmed" in request.POST:
                with transaction.atomic(), batch():
                    links = act(request, users)
                if links is None:
                    return None
            common = {**admin.site.each_context(request), "opts": User._meta, "checkbox": ACTION_CHECKBOX_NAME}
            asked = {"title": title, "text": text, "verb": verb, "name": act.__name__, "users": users, "links": links}
            return TemplateResponse(request, "admin/accounts/user/action.html", common | asked)

        return action

    return decorator


@_asked(
    "Sign out everywhere",
    "The selected users are signed out on all devices. Your current session stays.",
    "Sign out",
)
def log_out(request: HttpRequest, users: QuerySet[User]) -> None:
    actor, key = administrator(request), request.session.session_key
    ended = [end_sessions(user=user, actor=actor, keep=key if user == actor else None) for user in users]
    messages.success(request, f"Signed out {counted(len(ended), 'user')} ({counted(sum(ended), 'session')})")


@_asked(
    "Reset two-factor",
    "Removes the authenticator apps, passkeys and recovery codes of the selected users, so that their passwords alone "
    "are enough to log in. Make sure that the request really comes from them.",
    "Reset two-factor",
)
def remove_second_factors(request: HttpRequest, users: QuerySet[User]) -> None:
    removed = [remove_factors(user=user, actor=administrator(request)) for user in users]
    had_none = f"; {removed.count(False):,} had none" if not all(removed) else ""
    messages.success(request, f"Two-factor reset for {counted(sum(removed), 'user')}{had_none}")


@_asked(
    "Create password reset links",
    "Each link lets its owner choose a new password. It works once, within 24 hours, and not after the next log-in. "
    "Send it privately.",
    "Create links",
)
def make_password_links(request: HttpRequest, users: QuerySet[User]) -> Links:
    return [(user, password_link(user=user, actor=administrator(request))) for user in users]


ACTIONS: Sequence[Callable[..., TemplateResponse | None]] = (log_out, remove_second_factors, make_password_links)


def administrator(request: HttpRequest) -> User:
    """The user of a request to the admin site."""
    if not isinstance(request.user, User):
        raise TypeError("The admin site was entered without an account.")
    return request.user
