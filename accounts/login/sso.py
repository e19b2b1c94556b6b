"""Single sign-on by OpenID Connect: whom the provider may let in, as whom, and with which role."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import requests
import structlog
from allauth.account.internal.flows.reauthentication import did_recently_reauthenticate
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.helpers import render_authentication_error
from allauth.socialaccount.models import SocialLogin
from allauth.socialaccount.providers.base.constants import AuthError, AuthProcess
from allauth.socialaccount.providers.openid_connect import views
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from accounts.models import Role, User
from accounts.people.services import LastAdministrator, update_user
from audit.actions import Action, Outcome
from audit.services import record, record_denied

log = structlog.get_logger(__name__)


class SocialAccountAdapter(DefaultSocialAccountAdapter):
    def is_open_for_signup(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:
        """New people are let in below, or not at all; never by a form."""
        return False

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        if sociallogin.state.get("process") == AuthProcess.CONNECT:
            _connect(request, sociallogin)
            raise ImmediateHttpResponse(redirect("accounts:sso-connect"))
        claims = sociallogin.account.get_provider_account().get_user_data() or {}
        if not sociallogin.is_existing:
            _admit(request, sociallogin, claims)
        _follow_role(request, sociallogin.user, claims)

    def on_authentication_error(
        self, request: HttpRequest, provider: Any, error: Any = None, exception: Any = None, **_: Any
    ) -> None:
        if error == AuthError.CANCELLED:
            messages.info(request, "You cancelled the log-in.")
            raise ImmediateHttpResponse(redirect("account_login"))
        _record_refusal("the provider cannot be reached or its answer is not valid", None, "")


def _surviving_outages(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """django-allauth takes it for granted that the provider can be reached and describes itself in full."""

    @login_not_required
    @wraps(view)
    def answer(request: HttpRequest, provider_id: str) -> HttpResponse:
        try:
            return view(request, provider_id)
        except (requests.RequestException, KeyError, ValueError) as error:
            log.warning("sso_provider_failed", error=type(error).__name__)
            page: HttpResponse = render_authentication_error(request, None, exception=error)
            return page

    return answer


login = _surviving_outages(views.login)
callback = _surviving_outages(views.callback)


def _connect(request: HttpRequest, sociallogin: SocialLogin) -> None:
    """Adds the provider's account to that of the present user."""
    if not isinstance(request.user, User) or not did_recently_reauthenticate(request):
        messages.error(request, "Confirm who you are, then connect again.")
    elif sociallogin.is_existing and sociallogin.user != request.user:
        messages.error(request, "Somebody else here is connected to that account already.")
    elif not sociallogin.is_existing:
        with transaction.atomic():
            sociallogin.connect(request, request.user)
            record(action=Action.SSO_CONNECT, actor=request.user, target=request.user)


def _admit(request: HttpRequest, sociallogin: SocialLogin, claims: dict[str, Any]) -> None:
    """Finds or makes the account of somebody who comes for the first time; refuses with a page otherwise.

    An account with a password of its own is not given away for an address, however sure of it the provider is: its
    owner connects the two.
    """
    email = str(claims.get("email", "")).strip().lower()
    user = User.objects.filter(email=email).first()
    if reason := _objection(claims, email, user):
        _record_refusal(reason, user, email)
        page = {"reason": reason, "sso_name": settings.OIDC_NAME}
        raise ImmediateHttpResponse(render(request, "socialaccount/refused.html", page, status=403))
    with transaction.atomic():
        if user is None:
            user = User.objects.create_user(email, name=str(claims.get("name") or "")[:100])
            record(action=Action.USER_CREATE, actor=user, target=user, after={"role": user.role, "by": "sso"})
        sociallogin.connect(request, user)
        record(action=Action.SSO_CONNECT, actor=user, target=user)


def _objection(claims: dict[str, Any], email: str, user: User | None) -> str:
    """Why somebody who is not known by an earlier log-in is not let in; empty where nothing speaks against it."""
    domain = email.rpartition("@")[2]
    if not domain or claims.get("email_verified") is not True:
        return "it does not vouch for your e-mail address"
    if settings.OIDC_DOMAINS and domain not in settings.OIDC_DOMAINS:
        return "your e-mail address is of a domain that is not let in"
    if user is None and not settings.OIDC_CREATE_USERS:
        return "there is no account for you here"
    if user is not None and user.has_usable_password():
        return "your account has a password: log in with it, then connect the two on the security page"
    return ""


def _follow_role(request: HttpRequest, user: User, claims: dict[str, Any]) -> None:
    """Where roles come from the provider, each log-in brings the present one."""
    if not settings.OIDC_ROLE_CLAIM:
        return
    value = claims.get(settings.OIDC_ROLE_CLAIM, [])
    held = set(value) if isinstance(value, list) else {str(value)}
    role = Role.ADMINISTRATOR if held & set(settings.OIDC_ADMINISTRATORS) else Role.ENGINEER
    if role == user.role:
        return
    before, user.role = user.role, role
    try:
        update_user(user=user, actor=user)
    except LastAdministrator as refusal:
        user.role = before
        messages.warning(request, f"You stay administrator. {refusal}")


def _record_refusal(reason: str, user: User | None, email: str) -> None:
    details = {"email": email, "reason": f"single sign-on: {reason}"}
    record_denied(action=Action.SESSION_LOGIN_FAILED, actor=None, target=user, outcome=Outcome.FAILED, details=details)
