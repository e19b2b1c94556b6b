"""Single sign-on by OpenID Connect: whom the provider may let in, as whom, and with which role; see ``sso_views``."""

from __future__ import annotations

from typing import Any, TypedDict

from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialAccount, SocialLogin
from allauth.socialaccount.providers.base.constants import AuthError, AuthProcess
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import ValidationError
from django.db import transaction
from django.forms import EmailField
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from accounts.actions import AccountsAction
from accounts.admission import release_slot
from accounts.login.reauthentication import is_confirmed, note_confirmed_by_sso
from accounts.models import Role, User
from accounts.people.services import LastAdministrator, update_user
from accounts.services import record_failed_login
from audit.services import record

# Seconds by which the clock of the provider may be behind.
CLOCK_SKEW = 60


class Question(TypedDict):
    """State of a reauthentication at the provider."""

    asked_at: float


class SocialAccountAdapter(DefaultSocialAccountAdapter):
    def get_requests_session(self) -> Any:
        """Releases the slot of the request while it waits for the provider."""
        session = super().get_requests_session()
        session.request = release_slot()(session.request)
        return session

    def is_open_for_signup(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:
        """New people are let in below, or not at all; never by a form."""
        return False

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        if sociallogin.state.get("process") == AuthProcess.CONNECT:
            _connect(request, sociallogin)
            raise ImmediateHttpResponse(redirect("accounts:sso-connect"))
        if question := sociallogin.state.get("data"):
            raise ImmediateHttpResponse(_confirm(request, sociallogin, question))
        claims = sociallogin.account.get_provider_account().get_user_data() or {}
        if not sociallogin.is_existing:
            _admit(request, sociallogin, claims)
        _follow_role(request, sociallogin.user, claims)

    def on_authentication_error(
        self, request: HttpRequest, provider: Any, error: Any = None, exception: Any = None, **_: Any
    ) -> None:
        if error == AuthError.CANCELLED:
            messages.info(request, "Log-in cancelled")
            raise ImmediateHttpResponse(redirect("account_login"))
        _record_refusal("the provider cannot be reached or its answer is not valid")


def _connect(request: HttpRequest, sociallogin: SocialLogin) -> None:
    """Connects the present user with the provider's account, in place of one from before."""
    user = request.user
    if not isinstance(user, User) or not is_confirmed(request):
        messages.error(request, "Confirm it's you, then connect again.")
    elif sociallogin.is_existing and sociallogin.user != user:
        _record_refusal("the account there is connected to somebody else here", user)
        messages.error(request, "Another user is already connected to that account.")
    elif not sociallogin.is_existing:
        with transaction.atomic():
            replaced, _ = SocialAccount.objects.filter(user=user).delete()
            sociallogin.connect(request, user)
            record(action=AccountsAction.SSO_CONNECT, actor=user, target=user, before={"connected": bool(replaced)})


def _confirm(request: HttpRequest, sociallogin: SocialLogin, question: Question) -> HttpResponse:
    """Completes a reauthentication at the provider. Never logs anybody in."""
    next_page = sociallogin.get_redirect_url(request) or "/"
    user = request.user
    if not isinstance(user, User) or not sociallogin.is_existing or sociallogin.user != user:
        reason = "You logged in there with a different account."
    elif _was_not_asked(sociallogin, question):
        reason = f"{settings.OIDC_NAME} did not ask you to log in. Log out there, then try again."
    else:
        note_confirmed_by_sso(request)
        return redirect(next_page)
    record_failed_login(user=user if isinstance(user, User) else None, factor="sso")
    messages.error(request, reason)
    return redirect_to_login(next_page, reverse("confirm_by_sso"))


def _was_not_asked(sociallogin: SocialLogin, question: Question) -> bool:
    """A provider that asks says when it did, though not all of them do."""
    asked_at = sociallogin.account.extra_data["id_token"].get("auth_time")
    return isinstance(asked_at, int | float) and asked_at < question["asked_at"] - CLOCK_SKEW


def _admit(request: HttpRequest, sociallogin: SocialLogin, claims: dict[str, Any]) -> None:
    """Finds or makes the account of somebody who comes for the first time; refuses with a page otherwise.

    An account with a password of its own is not given away for an address, however sure of it the provider is: its
    owner connects the two.
    """
    email = _email_in(claims)
    user = User.objects.filter(email=email).first()
    if reason := _objection(claims, email, user):
        _record_refusal(reason, user, email)
        page = {"reason": reason, "sso_name": settings.OIDC_NAME}
        raise ImmediateHttpResponse(render(request, "socialaccount/refused.html", page, status=403))
    with transaction.atomic():
        if user is None:
            user = User.objects.create_user(email, name=str(claims.get("name") or "")[:100])
            record(action=AccountsAction.USER_CREATE, actor=user, target=user, after={"role": user.role, "by": "sso"})
        sociallogin.connect(request, user)
        record(action=AccountsAction.SSO_CONNECT, actor=user, target=user)


def _email_in(claims: dict[str, Any]) -> str:
    """In lower case; empty where there is no valid one."""
    try:
        return str(EmailField(max_length=254).clean(str(claims.get("email") or "")).lower())
    except ValidationError:
        return ""


def _objection(claims: dict[str, Any], email: str, user: User | None) -> str:
    """Why a first log-in is refused; empty if it is not."""
    domain = email.rpartition("@")[2]
    if not domain or claims.get("email_verified") is not True:
        return "it did not verify your email address"
    if settings.OIDC_DOMAINS and domain not in settings.OIDC_DOMAINS:
        return "the domain of your email address is not allowed"
    if user is None and not settings.OIDC_CREATE_USERS:
        return "you have no account here"
    if user is not None and SocialAccount.objects.filter(user=user).exists():
        return "as a different user than the one connected to your account"
    if user is not None and user.has_usable_password():
        return "your account has a password: log in with it, then connect single sign-on in Settings, Security"
    return ""


def _follow_role(request: HttpRequest, user: User, claims: dict[str, Any]) -> None:
    """Updates the role from the provider's claim at each log-in, where a role claim is configured."""
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
        refusal.record(actor=user)
        messages.warning(request, f"You remain an administrator. {refusal}")


def _record_refusal(reason: str, user: User | None = None, email: str = "") -> None:
    record_failed_login(user=user, email=email, reason=f"single sign-on: {reason}")
