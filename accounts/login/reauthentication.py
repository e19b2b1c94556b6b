"""Reauthentication before dangerous steps, for which a stolen session must not be enough."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar
from urllib.parse import urlsplit

from allauth.account.adapter import get_adapter
from allauth.account.authentication import get_authentication_records
from allauth.core.exceptions import ReauthenticationRequired
from django.conf import settings
from django.http import HttpRequest
from django.urls import Resolver404, resolve

_SSO_CONFIRMED_AT = "sso_confirmed_at"  # in the session
# A parameter of the page that asks for the password: what needs it is a fragment, to be shown in its place.
IN_DIALOG = "dialog"
# What the password is asked for, by the view that needs it.
PURPOSES = {
    "account_change_password": "change your password",
    "mfa_activate_totp": "set up an authenticator app",
    "mfa_deactivate_totp": "remove the authenticator app",
    "mfa_view_recovery_codes": "show recovery codes",
    "mfa_generate_recovery_codes": "generate new recovery codes",
    "mfa_add_webauthn": "add a passkey",
    "mfa_remove_webauthn": "remove a passkey",
    "mfa_edit_webauthn": "rename a passkey",
    "accounts:sso-connect": "connect single sign-on",
    "accounts:api-key-add": "create an API key",
    "accounts:own-data": "export or delete your data",
    "accounts:own-export": "export your data",
    "accounts:own-erase": "delete your account",
    "people:invite": "invite a user",
    "people:person-role": "change a role",
    "people:person-deactivate": "deactivate a user",
    "people:person-reactivate": "reactivate a user",
    "people:person-end-sessions": "sign a user out everywhere",
    "people:person-reset-password": "reset a password",
    "people:person-reset-two-factor": "reset two-factor of a user",
    "people:person-data": "export or delete personal data",
    "people:person-export": "export personal data",
    "people:person-erase": "delete an account",
    "tokens:token-replace": "replace a provider key",
    "tokens:token-edit": "change a provider key",
    "tokens:key-rotate": "rotate encryption keys",
}

P = ParamSpec("P")
Request = TypeVar("Request", bound=HttpRequest)
Response = TypeVar("Response")


def require_confirmation(request: HttpRequest) -> None:
    """Raises ReauthenticationRequired, which a middleware answers with the page that asks for it."""
    if not is_confirmed(request):
        raise ReauthenticationRequired


def is_confirmed(request: HttpRequest) -> bool:
    ways = get_authentication_records(request, request.user) if has_local_method(request) else []
    times = [request.session.get(_SSO_CONFIRMED_AT, 0), *(way["at"] for way in ways if way.get("reauthenticated"))]
    return bool(time.time() - max(times) < settings.ACCOUNT_REAUTHENTICATION_TIMEOUT)


def purpose_of(path: str) -> str:
    """What the page at ``path`` of this site asks for the password for; '' where it is not said."""
    try:
        return PURPOSES.get(resolve(urlsplit(path).path).view_name, "")
    except Resolver404:
        return ""


def note_confirmed_by_sso(request: HttpRequest) -> None:
    request.session[_SSO_CONFIRMED_AT] = time.time()


def has_local_method(request: HttpRequest) -> bool:
    """Whoever has neither password nor passkey here can only be asked by the provider of single sign-on."""
    return bool(get_adapter().get_reauthentication_methods(request.user))


def confirmed(
    view: Callable[Concatenate[Request, P], Response],
) -> Callable[Concatenate[Request, P], Response]:
    """Decorator of views that require reauthentication before they show anything."""

    @wraps(view)
    def guarded(request: Request, /, *args: P.args, **kwargs: P.kwargs) -> Response:
        require_confirmation(request)
        return view(request, *args, **kwargs)

    return guarded
