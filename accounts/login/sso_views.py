"""Redirects to the provider of single sign-on and its callback; ``sso`` decides what follows."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlsplit

import requests
import structlog
from allauth.account.utils import get_next_redirect_url
from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.helpers import render_authentication_error
from allauth.socialaccount.models import SocialLogin
from allauth.socialaccount.providers.base.constants import AuthProcess
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView
from allauth.socialaccount.providers.openid_connect import views
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import ImproperlyConfigured, SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from accounts.login.forms import ConfirmBySsoForm
from accounts.login.reauthentication import has_local_method
from accounts.login.sso import Question
from accounts.requests import UserRequest
from audit.text import replace_unstorable

# django-allauth takes it for granted that the provider can be reached, and describes itself and people as it should.
FAILURES = (
    requests.RequestException,
    OAuth2Error,
    ImproperlyConfigured,
    SuspiciousOperation,
    AttributeError,
    LookupError,
    TypeError,
    ValueError,
)
ASK_AGAIN = {"prompt": "login", "max_age": "0"}

log = structlog.get_logger(__name__)


class CheckingAdapter(views.OpenIDConnectOAuth2Adapter):
    def complete_login(self, *args: Any, **kwargs: Any) -> SocialLogin:
        """Raises OAuth2Error where the two answers are not about the same person (OpenID Connect Core 5.3.2)."""
        login = super().complete_login(*args, **kwargs)
        said = login.account.extra_data
        who = said["id_token"]["sub"]
        if not isinstance(who, str) or (said.get("userinfo") or said["id_token"])["sub"] != who:
            raise OAuth2Error("It is not clear whom the answers are about.")
        if replace_unstorable(said) != said:
            raise OAuth2Error("A claim holds what cannot be stored.")
        return login


def _handle_provider_failures(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    @wraps(view)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except FAILURES as error:
            log.warning("sso_provider_failed", error=type(error).__name__)
            page: HttpResponse = render_authentication_error(request, None, exception=error)
            return page

    return answer


def _redirect_by_page(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """Redirects by a page: the Content-Security-Policy blocks forms, and redirects of forms, to other sites.

    Raises ValueError where the redirect leads nowhere else.
    """
    if response.status_code != 302:
        return response
    target = response["Location"]
    if not urlsplit(target).netloc:
        raise ValueError("The provider has no address for a log-in.")
    page = render(request, "socialaccount/going_on.html", {"target": target, "sso_name": settings.OIDC_NAME})
    page["Refresh"] = f"0; url={target}"
    return page


@login_not_required
@_handle_provider_failures
def login(request: HttpRequest, provider_id: str) -> HttpResponse:
    return _redirect_by_page(request, views.login(request, provider_id))


@login_not_required
@_handle_provider_failures
def callback(request: HttpRequest, provider_id: str) -> HttpResponse:
    if provider_id != settings.OIDC_PROVIDER_ID or not settings.OIDC_SERVER:
        raise Http404
    response: HttpResponse = OAuth2CallbackView.adapter_view(CheckingAdapter(request, provider_id))(request)
    return response


@require_http_methods(["GET", "POST"])
@_handle_provider_failures
def confirm(request: UserRequest) -> HttpResponse:
    """Reauthentication at the provider, for users without password and passkey here."""
    next_page = get_next_redirect_url(request) or "/"
    if has_local_method(request):
        return redirect_to_login(next_page, reverse("account_reauthenticate"))
    form = ConfirmBySsoForm(request.POST if request.method == "POST" else None, user=request.user)
    if not settings.OIDC_SERVER or not form.is_valid():
        context = {"form": form, "next": next_page, "sso_name": settings.OIDC_SERVER and settings.OIDC_NAME}
        return render(request, "account/confirm_by_sso.html", context)
    provider = get_adapter().get_provider(request, settings.OIDC_PROVIDER_ID)
    question = Question(asked_at=time.time())
    sent = provider.redirect(request, AuthProcess.LOGIN, next_page, question, auth_params=ASK_AGAIN)
    return _redirect_by_page(request, sent)
