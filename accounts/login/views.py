"""Passwords and single sign-on, where django-allauth's views are not the whole of it."""

from __future__ import annotations

from http.client import FOUND
from typing import Any

from allauth.account import views as allauth
from allauth.account.adapter import get_adapter
from allauth.socialaccount.models import SocialAccount
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.response import TemplateResponse
from django.views.decorators.http import require_safe
from django_htmx.http import HttpResponseClientRedirect

from accounts.login.forms import ResetPasswordForm
from accounts.login.reauthentication import IN_DIALOG, confirmed, is_confirmed, purpose_of
from accounts.login.throttling import GONE, secret_link
from accounts.mail import MailNotSent
from accounts.requests import UserRequest


def password_change(request: UserRequest) -> HttpResponse:
    """For those who have one: who logs in by single sign-on changes it there."""
    if not request.user.has_usable_password():
        return render(request, "account/password_none.html", {"sso_name": settings.OIDC_NAME})
    response: HttpResponse = confirmed(allauth.password_change)(request)
    return response


class ConfirmView(allauth.ReauthenticateView):  # type: ignore[misc]
    """Asks for the password, in the dialog of the page where htmx fetches it."""

    request: UserRequest

    def dispatch(self, request: UserRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.htmx and not self._is_for_fragment() and (is_confirmed(request) or not self._is_asked_for()):
            return HttpResponseClientRedirect(self.get_success_url())
        answer: HttpResponse = super().dispatch(request, *args, **kwargs)
        is_redirect = answer.status_code == FOUND and not self._is_for_fragment()
        return HttpResponseClientRedirect(answer["Location"]) if request.htmx and is_redirect else answer

    def get_template_names(self) -> list[str]:
        return [f"{self.template_name}{'#dialog' if self.request.htmx else ''}"]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return {**super().get_context_data(**kwargs), "purpose": purpose_of(self.get_next_url() or "")}

    def _is_asked_for(self) -> bool:
        """Of those who are asked for a passkey, or by single sign-on, the page to come asks in its own way."""
        ways = get_adapter().get_reauthentication_methods(self.request.user)
        return bool(ways) and bool(ways[0]["url"] == self.request.path)

    def _is_for_fragment(self) -> bool:
        return IN_DIALOG in self.request.GET


confirm = ConfirmView.as_view()


@login_not_required
def password_reset(request: HttpRequest) -> HttpResponse:
    """Without mail only an administrator can make a link for it."""
    if not settings.MAIL_IS_CONFIGURED:
        raise Http404
    try:
        response: HttpResponse = allauth.password_reset(request)
    except MailNotSent as problem:
        # The same for an unknown address, which gets a mail as well.
        form = ResetPasswordForm(request.POST)
        form.add_error(None, f"{problem} Try again in some minutes, or ask an administrator for a link.")
        return render(request, "account/password_reset.html", {"form": form}, status=422)
    return response


@login_not_required
@secret_link
def password_reset_from_key(request: HttpRequest, uidb36: str, key: str) -> HttpResponse:
    response: HttpResponse = allauth.password_reset_from_key(request, uidb36=uidb36, key=key)
    if isinstance(response, TemplateResponse) and (response.context_data or {}).get("token_fail"):
        response.status_code = GONE
    if request.method == "POST" and response.status_code == FOUND:
        # It has been used. django-allauth leaves it where it waited for the form.
        request.session.pop(allauth.INTERNAL_RESET_SESSION_KEY, None)
    return response


@require_safe
def sso_connect(request: UserRequest) -> HttpResponse:
    if not settings.OIDC_SERVER:
        raise Http404
    connected = SocialAccount.objects.filter(user=request.user).exists()
    return render(request, "accounts/sso_connect.html", {"connected": connected})
