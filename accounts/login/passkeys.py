"""Passkey forms and views with error messages, rate limits and audit entries, which django-allauth lacks."""

from __future__ import annotations

import base64
import struct
from typing import Any

from allauth.account.adapter import get_adapter
from allauth.account.utils import get_next_redirect_url, url_str_to_user_pk
from allauth.core import context
from allauth.core.ratelimit import respond_429
from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn import forms as allauth_forms
from allauth.mfa.webauthn import views as allauth_views
from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpResponse

from accounts.login import mfa, throttling
from accounts.models import User
from accounts.services import record_failed_login

REFUSED = (
    "Passkey not accepted. It is unknown, belongs to another account, or the page was open for too long. "
    "Try again, or use another method."
)
# What django-allauth and its library come to grief with where an answer is not of the shape that they expect.
MALFORMED = (ValueError, TypeError, LookupError, AttributeError, struct.error)
NOT_ADDED = "The passkey could not be added: the response of the device is not valid. Try again."


class PasskeyForm(allauth_forms.AuthenticateWebAuthnForm):
    """Gives one message for every failure, as a non-field error since its field is hidden."""

    suspect: User | None = None

    def clean_credential(self) -> Authenticator:
        request = context.request
        self.suspect = self.user or _user_named_in(self.cleaned_data["credential"])
        # Where nobody is known yet, failures count for the address alone: whoever is named gets in from elsewhere.
        key = mfa.throttle_key(self.user) if self.user else f"passkey {get_adapter().get_client_ip(request)}"
        with throttling.attempt(request, key, user=self.user):
            try:
                passkey: Authenticator = super().clean_credential()
            except MALFORMED as error:
                raise ValidationError(REFUSED) from error
        return passkey

    def clean(self) -> None:
        if not self.has_error("credential"):
            return
        errors = self.errors.pop("credential")
        if throttled := [error for error in errors.as_data() if error.code == "throttled"]:
            self.add_error(None, throttled)
            return
        record_failed_login(user=self.suspect, factor=str(Authenticator.Type.WEBAUTHN))
        self.add_error(None, REFUSED)


class ConfirmForm(PasskeyForm):
    reauthenticated = True


class LoginForm(PasskeyForm, allauth_forms.LoginWebAuthnForm):
    """Log-in by passkey alone: the user is not known yet."""


class AddForm(allauth_forms.AddWebAuthnForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        name, passwordless = self.fields["name"], self.fields["passwordless"]
        name.help_text = "A name to recognise it by, e.g. “Laptop”."
        name.max_length = 80
        passwordless.label = "Log in without a password"
        passwordless.help_text = "Your device asks for your fingerprint, face or PIN instead."
        passwordless.initial = True

    def clean(self) -> dict[str, Any]:
        try:
            cleaned: dict[str, Any] = super().clean()
        except (ValidationError, *MALFORMED):
            cleaned = {}
        if "credential" in cleaned:
            return cleaned
        self.errors.pop("credential", None)
        mfa.record_not_added(user=self.user, kind=Authenticator.Type.WEBAUTHN)
        raise ValidationError(NOT_ADDED)


def _user_named_in(credential: Any) -> User | None:
    """The user that the device names. It is not verified yet: a client can name any user."""
    try:
        pk = url_str_to_user_pk(base64.urlsafe_b64decode(credential["response"]["userHandle"] + "==").decode())
    except (ValidationError, *MALFORMED):
        return None
    return User.objects.filter(pk=pk).first()


class LoginView(allauth_views.LoginWebAuthnView):
    def form_invalid(self, form: LoginForm) -> HttpResponse:
        if throttling.throttled_for(self.request):
            page: HttpResponse = respond_429(self.request)
            return page
        for message in form.non_field_errors():
            messages.error(self.request, message)
        return redirect_to_login(get_next_redirect_url(self.request) or "/")


class ConfirmView(allauth_views.ReauthenticateWebAuthnView):
    def form_invalid(self, form: ConfirmForm) -> HttpResponse:
        page: HttpResponse = self.render_to_response(self.get_context_data(form=form))
        return page

    def get_context_data(self, **context: Any) -> dict[str, Any]:
        return {**super().get_context_data(), **context}


class AddView(allauth_views.AddWebAuthnView):
    def get_context_data(self, **context: Any) -> dict[str, Any]:
        return {**super().get_context_data(), **context}

    @transaction.atomic
    def form_valid(self, form: AddForm) -> HttpResponse:
        answer: HttpResponse = super().form_valid(form)
        return answer


login = LoginView.as_view()
confirm = ConfirmView.as_view()
add = AddView.as_view()
