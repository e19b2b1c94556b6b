"""The forms of log-in, passwords and second factors, based on django-allauth's."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import get_adapter
from allauth.account.forms import ChangePasswordForm as AllauthChangePasswordForm
from allauth.account.forms import LoginForm as AllauthLoginForm
from allauth.account.forms import ReauthenticateForm as AllauthReauthenticateForm
from allauth.account.forms import ResetPasswordForm as AllauthResetPasswordForm
from allauth.account.forms import ResetPasswordKeyForm as AllauthResetPasswordKeyForm
from allauth.core import context
from allauth.mfa.app_settings import TOTP_PERIOD
from allauth.mfa.base.forms import AuthenticateForm as AllauthAuthenticateForm
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.forms import ActivateTOTPForm as AllauthActivateTOTPForm
from django import forms
from django.conf import settings
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.http import HttpRequest, QueryDict

from accounts.login import mfa, throttling
from accounts.models import User

CODE_HINTS = {"autocomplete": "one-time-code", "inputmode": "numeric", "spellcheck": "false"}


class LoginForm(AllauthLoginForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        login, password = self.fields["login"], self.fields["password"]
        login.label = "Email"
        login.widget.attrs = {"type": "email", "autocomplete": "username", "autofocus": not self.is_bound}
        # What comes back was refused, and the address is still there.
        password.widget.attrs = {"autocomplete": "current-password", "autofocus": self.is_bound}
        password.help_text = ""


class ReauthenticateForm(AllauthReauthenticateForm):
    """Asks for a code as well where there is a second factor; a recovery code will do, once."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["password"].widget.attrs = {"autocomplete": "current-password", "autofocus": True}
        self.fields["password"].help_text = ""
        if Authenticator.objects.filter(user=self.user).exists():
            self.fields["code"] = _code_field()

    def clean(self) -> None:
        """A code works once, so none is spent on a wrong password."""
        if not self.errors and "code" in self.fields:
            _spend_code(self, self.user)


class ConfirmBySsoForm(forms.Form):
    """Asks for the code of the second factor before reauthentication at the provider of single sign-on."""

    def __init__(self, data: QueryDict | None, *, user: User) -> None:
        super().__init__(data)
        self._user = user
        if Authenticator.objects.filter(user=user).exists():
            self.fields["code"] = _code_field()

    def clean(self) -> None:
        if "code" in self.cleaned_data:
            _spend_code(self, self._user)


class ChangePasswordForm(AllauthChangePasswordForm):
    """The old password was asked for on the way to this form."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        del self.fields["oldpassword"]
        _ask_for_new_password(self.fields)


class ResetPasswordForm(AllauthResetPasswordForm):
    users: list[User]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["email"].label = "Email"
        self.fields["email"].widget.attrs = {"type": "email", "autocomplete": "username", "autofocus": True}

    def save(self, request: HttpRequest, **kwargs: Any) -> str:
        """An unknown address gets a mail as well, so that neither the page nor the time it takes tells them apart."""
        email: str = self.cleaned_data["email"]
        self.users = [user for user in self.users if user.has_usable_password()]
        if self.users:
            super().save(request, **kwargs)
        else:
            get_adapter().send_mail("account/email/unknown_account", email, {})
        return email


class ResetPasswordKeyForm(AllauthResetPasswordKeyForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _ask_for_new_password(self.fields)


class AuthenticateForm(AllauthAuthenticateForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["code"].widget.attrs = CODE_HINTS | {"autofocus": True}

    def clean_code(self) -> str:
        with throttling.attempt(context.request, mfa.throttle_key(self.user), user=self.user):
            code = str(super().clean_code())
        _spend(code, self.user)
        return code


class ActivateTOTPForm(AllauthActivateTOTPForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["code"].label = "6-digit code"
        self.fields["code"].widget.attrs = CODE_HINTS | {"data-submit-at": "6"}

    def clean_code(self) -> str:
        with throttling.attempt(context.request, mfa.throttle_key(self.user), user=self.user):
            try:
                return str(super().clean_code())
            except ValidationError:
                mfa.record_not_added(user=self.user, kind=Authenticator.Type.TOTP)
                raise


def _code_field() -> forms.CharField:
    return forms.CharField(
        label="Authenticator or recovery code",
        max_length=20,
        widget=forms.TextInput(attrs=CODE_HINTS),
    )


def _spend_code(form: forms.Form, user: User) -> None:
    """Checks the field ``code`` of ``form``; what is wrong with it is said there."""
    checked = AuthenticateForm({"code": form.cleaned_data["code"]}, user=user)
    if not checked.is_valid():
        form.add_error("code", checked.errors["code"].as_data())


def _spend(code: str, user: User) -> None:
    """Raises ValidationError for a code that was used before.

    django-allauth remembers a code for one step of time only, but takes it for several where clocks may be wrong.
    """
    seconds = (2 * settings.MFA_TOTP_TOLERANCE + 1) * TOTP_PERIOD
    spent = "".join(filter(str.isalnum, code)).lower()
    if not cache.add(f"spent-code:{user.pk}:{spent}", 1, timeout=seconds):
        raise ValidationError("This code was already used. Wait for the next one.")


def _ask_for_new_password(fields: dict[str, forms.Field]) -> None:
    for name, label in (("password1", "New password"), ("password2", "Confirm new password")):
        fields[name].label = label
        fields[name].widget.attrs = {"autocomplete": "new-password"}
        fields[name].help_text = ""
    fields["password1"].help_text = "At least 12 characters. Not a common password, your name or your email."
