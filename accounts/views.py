"""The first administrator, the theme and the checklist."""

from __future__ import annotations

from allauth.account.adapter import get_adapter
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.core.signing import BadSignature
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST
from django_htmx.http import trigger_client_event

from accounts import services
from accounts.forms import ChecklistForm, SetupForm, ThemeForm
from accounts.login.throttling import secret_link
from accounts.requests import UserRequest


@login_not_required
@never_cache
@sensitive_post_parameters("password", "repeated")
@require_http_methods(["GET", "POST"])
@secret_link
def setup(request: HttpRequest, token: str) -> HttpResponse:
    form = SetupForm(request.POST or None)
    try:
        services.check_setup_token(token)
        if not form.is_valid():
            return render(request, "accounts/setup.html", {"form": form}, status=422 if form.is_bound else 200)
        user = services.create_first_administrator(**form.account())
    except services.SetupClosed:
        return render(request, "accounts/setup_closed.html", {"done": True}, status=410)
    except BadSignature:
        return render(request, "accounts/setup_closed.html", {"done": False}, status=410)
    get_adapter().login(request, user)
    messages.success(request, "Account created")
    return redirect("dashboard")


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
