"""Admin actions on users. Each requires reauthentication, then a confirmation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

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

PAGE = "admin/accounts/user/action.html"


@dataclass(frozen=True, slots=True)
class Step:
    """``name`` is that of the action, ``text`` says what comes of it."""

    name: str
    title: str
    text: str
    verb: str

    def ask(self, request: HttpRequest, users: QuerySet[User]) -> TemplateResponse | None:
        """The page with the question; None once it has been answered."""
        require_confirmation(request)
        return None if "confirmed" in request.POST else self.page(request, users=users)

    def page(self, request: HttpRequest, **context: object) -> TemplateResponse:
        common = {**admin.site.each_context(request), "opts": User._meta, "step": self, "title": self.title}
        return TemplateResponse(request, PAGE, {**common, "checkbox": ACTION_CHECKBOX_NAME, **context})


LOG_OUT = Step(
    "log_out",
    "Sign out everywhere",
    "The selected users are signed out on all devices. Your current session stays.",
    "Sign out",
)
REMOVE_FACTORS = Step(
    "remove_second_factors",
    "Reset two-factor",
    "Removes the authenticator apps, passkeys and recovery codes of the selected users, so that their passwords alone "
    "are enough to log in. Make sure that the request really comes from them.",
    "Reset two-factor",
)
MAKE_LINKS = Step(
    "make_password_links",
    "Create password reset links",
    "Each link lets its owner choose a new password. It works once, within 24 hours, and not after the next log-in. "
    "Send it privately.",
    "Create links",
)


@admin.action(description=LOG_OUT.title)
def log_out(
    model_admin: admin.ModelAdmin[User], request: HttpRequest, users: QuerySet[User]
) -> TemplateResponse | None:
    if page := LOG_OUT.ask(request, users):
        return page
    actor, key = administrator(request), request.session.session_key
    with transaction.atomic(), batch():
        ended = [end_sessions(user=user, actor=actor, keep=key if user == actor else None) for user in users]
    messages.success(request, f"Signed out {counted(len(ended), 'user')} ({counted(sum(ended), 'session')})")
    return None


@admin.action(description=REMOVE_FACTORS.title)
def remove_second_factors(
    model_admin: admin.ModelAdmin[User], request: HttpRequest, users: QuerySet[User]
) -> TemplateResponse | None:
    if page := REMOVE_FACTORS.ask(request, users):
        return page
    with transaction.atomic(), batch():
        removed = [remove_factors(user=user, actor=administrator(request)) for user in users]
    had_none = f"; {removed.count(False):,} had none" if not all(removed) else ""
    messages.success(request, f"Two-factor reset for {counted(sum(removed), 'user')}{had_none}")
    return None


@admin.action(description=MAKE_LINKS.title)
def make_password_links(
    model_admin: admin.ModelAdmin[User], request: HttpRequest, users: QuerySet[User]
) -> TemplateResponse:
    if page := MAKE_LINKS.ask(request, users):
        return page
    with transaction.atomic(), batch():
        links = [(user, password_link(user=user, actor=administrator(request))) for user in users]
    return MAKE_LINKS.page(request, links=links)


ACTIONS: list[Callable[..., TemplateResponse | None]] = [log_out, remove_second_factors, make_password_links]


def counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def administrator(request: HttpRequest) -> User:
    """The user of a request to the admin site."""
    if not isinstance(request.user, User):
        raise TypeError("The admin site was entered without an account.")
    return request.user
