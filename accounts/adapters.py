"""What we change in django-allauth: no sign-up, one answer for every failed log-in, audit entries."""

from __future__ import annotations

from typing import Any, ClassVar

from allauth.account.adapter import DefaultAccountAdapter
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction
from django.http import HttpRequest

from accounts import services
from accounts.models import User
from audit.actions import Action
from audit.services import record


class AccountAdapter(DefaultAccountAdapter):
    error_messages: ClassVar[dict[str, str]] = {
        **DefaultAccountAdapter.error_messages,
        "email_password_mismatch": "This e-mail address and password do not match an active account.",
        "too_many_login_attempts": "Too many failed log-ins from your address. Wait 5 minutes, then try again.",
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def authenticate(self, request: HttpRequest, **credentials: Any) -> AbstractBaseUser | None:
        user: AbstractBaseUser | None = super().authenticate(request, **credentials)
        if user and not user.is_active:
            self.authentication_failed(request, **credentials)
            return None
        return user

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        services.record_failed_login(email=credentials["email"])

    def login(self, request: HttpRequest, user: User) -> None:
        with transaction.atomic():
            super().login(request, user)
            record(action=Action.SESSION_LOGIN, actor=user, target=user)

    def logout(self, request: HttpRequest) -> None:
        user = request.user
        with transaction.atomic():
            if user.is_authenticated:
                record(action=Action.SESSION_LOGOUT, actor=user, target=user)
            super().logout(request)

    def set_password(self, user: User, password: str) -> None:
        with transaction.atomic():
            super().set_password(user, password)
            record(action=Action.USER_PASSWORD, actor=user, target=user)
