"""The first administrator, passwords, theme and checklist. Log-in and log-out are views of django-allauth."""

from __future__ import annotations

from allauth.account import views as allauth
from allauth.account.adapter import get_adapter
from allauth.socialaccount.models import SocialAccount
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.core.signing import BadSignature
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django_htmx.http import trigger_client_event

from accounts import services
from accounts.forms import ChecklistForm, SetupForm, ThemeForm
from accounts.requests import UserRequest


@login_not_required
@never_cache
@sensitive_post_parameters("password", "repeated")
@require_http_methods(["GET", "POST"])
def setup(request: HttpRequest, token: str) -> HttpResponse:
    form = SetupForm(request.POST or None)
    try:
        services.check_setup_token(token)
        if not form.is_valid():
            return render(request, "accounts/setup.html", {"form": form}, status=422 if form.is_bound else 200)
        data = form.cleaned_data
        user = services.create_first_administrator(name=data["name"], email=data["email"], password=data["password"])
    except services.SetupClosed:
        return render(request, "accounts/setup_closed.html", {"done": True}, status=410)
    except BadSignature:
        return render(request, "accounts/setup_closed.html", {"done": False}, status=410)
    get_adapter().login(request, user)
    messages.success(request, "You are the first administrator. Welcome.")
    return redirect("dashboard")


def password_change(request: UserRequest) -> HttpResponse:
    """For those who have one: who logs in by single sign-on changes it there."""
    if not request.user.has_usable_password():
        return render(request, "account/password_none.html", {"sso_name": settings.OIDC_NAME})
    response: HttpResponse = allauth.password_change(request)
    return response


@login_not_required
def password_reset(request: HttpRequest) -> HttpResponse:
    """Without mail only an administrator can make a link for it."""
    if not settings.MAIL_IS_CONFIGURED:
        raise Http404
    response: HttpResponse = allauth.password_reset(request)
    return response


@require_safe
def sso_connect(request: UserRequest) -> HttpResponse:
    if not settings.OIDC_SERVER:
        raise Http404
    connected = SocialAccount.objects.filter(user=request.user).exists()
    return render(request, "accounts/sso_connect.html", {"connected": connected})


@require_POST
def theme(request: UserRequest) -> HttpResponse:
    form = ThemeForm(request.POST)
    if not form.is_valid():
        return HttpResponse(status=400)
    services.set_theme(user=request.user, theme=form.cleaned_data["theme"])
    if request.htmx:
        return trigger_client_event(HttpResponse(status=204), "theme", {"value": request.user.theme})
    target = request.POST.get("next", "")
    safe = url_has_allowed_host_and_scheme(target, allowed_hosts={request.get_host()})
    return redirect(target if safe else "dashboard")


@require_POST
def checklist(request: UserRequest) -> HttpResponse:
    form = ChecklistForm(request.POST)
    if form.is_valid():
        services.show_checklist(user=request.user, shown=form.cleaned_data["shown"])
    return redirect("dashboard")
