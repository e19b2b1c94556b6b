"""Our account adapter of django-allauth: no sign-up, one answer for every failed log-in, audit entries."""

from __future__ import annotations

from typing import Any, ClassVar
from urllib.parse import urlsplit

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core import context
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from accounts import services
from accounts.actions import AccountsAction
from accounts.admission import release_slot
from accounts.login import throttling
from accounts.login.reauthentication import is_confirmed
from accounts.mail import sending
from accounts.models import User
from accounts.people.services import reset_link
from accounts.sessions.services import end_sessions
from audit.services import record

NO_MATCH = "Incorrect email or password."


class AccountAdapter(DefaultAccountAdapter):
    error_messages: ClassVar[dict[str, str]] = {
        **DefaultAccountAdapter.error_messages,
        "email_password_mismatch": NO_MATCH,
        "incorrect_password": "Incorrect password.",
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        user = request.user if isinstance(request.user, User) else None
        throttling.check_limit(request, self._throttle_key(request, credentials), user=user)

    def authenticate(self, request: HttpRequest, **credentials: Any) -> AbstractBaseUser | None:
        # Before the turn, so that whoever is throttled holds up nobody.
        self.pre_authenticate(request, **credentials)
        with throttling.in_turn():
            user: AbstractBaseUser | None = super().authenticate(request, **credentials)
            if user and not user.is_active:
                self.authentication_failed(request, **credentials)
                return None
        return user

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        throttling.note_failure(request, throttling.LOGIN, self._throttle_key(request, credentials))
        email = credentials["email"]
        services.record_failed_login(user=User.objects.filter(email=email).first(), email=email)

    def _throttle_key(self, request: HttpRequest, credentials: dict[str, Any]) -> str:
        """By user and address: failures from elsewhere keep nobody out."""
        return f"{credentials['email'].lower()} {self.get_client_ip(request)}"

    def get_reset_password_from_key_url(self, key: str) -> str:
        uid, _, secret = key.partition("-")
        return reset_link(uid, secret)

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Raises MailNotSent."""
        with release_slot(), sending():
            super().send_mail(template_prefix, email, {**context, "site": urlsplit(settings.PUBLIC_URL).netloc})

    def respond_user_inactive(self, request: HttpRequest, user: User) -> HttpResponse:
        """Reached by other ways than the password: a passkey, single sign-on."""
        services.record_failed_login(user=user, email=user.email)
        messages.error(request, "This account is deactivated.")
        return redirect("account_login")

    def is_reauthentication_required(self, *, app: str, **_: Any) -> bool:
        """Who has confirmed by single sign-on, of which django-allauth does not know, is not asked again."""
        return not is_confirmed(context.request)

    def get_reauthentication_methods(self, user: AbstractBaseUser) -> list[dict[str, Any]]:
        """The first is asked for. A code alone is none: it goes with the password, in one form."""
        methods = [one for one in super().get_reauthentication_methods(user) if one["id"] != "mfa_reauthenticate"]
        has_totp = Authenticator.objects.filter(user_id=user.pk, type=Authenticator.Type.TOTP).exists()
        return methods if has_totp else methods[::-1]

    def login(self, request: HttpRequest, user: User) -> None:
        with transaction.atomic():
            super().login(request, user)
            record(action=AccountsAction.SESSION_LOGIN, actor=user, target=user)

    def logout(self, request: HttpRequest) -> None:
        user = request.user
        with transaction.atomic():
            if user.is_authenticated:
                record(action=AccountsAction.SESSION_LOGOUT, actor=user, target=user)
            super().logout(request)

    def set_password(self, user: User, password: str) -> None:
        is_own = context.request.user == user
        with transaction.atomic():
            super().set_password(user, password)
            record(action=AccountsAction.USER_PASSWORD, actor=user, target=user)
            end_sessions(user=user, actor=user, keep=context.request.session.session_key if is_own else None)
