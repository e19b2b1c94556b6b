"""One's own profile and API keys."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_http_methods, require_safe

from accounts import services
from accounts.login.reauthentication import confirmed
from accounts.models import ApiKey
from accounts.profile import api_keys
from accounts.profile.forms import ApiKeyForm, ProfileForm
from accounts.requests import UserRequest, confirm_page


@require_http_methods(["GET", "POST"])
def profile(request: UserRequest) -> HttpResponse:
    form = ProfileForm(request.POST or None, user=request.user)
    if form.is_valid():
        data = form.cleaned_data
        provider, model = data.pop("default_model")
        services.update_profile(user=request.user, **data, default_provider=provider, default_model=model)
        messages.success(request, "Profile saved")
        return redirect("accounts:profile")
    return render(request, "accounts/profile.html", {"form": form}, status=422 if form.is_bound else 200)


@require_safe
def api_key_list(request: UserRequest) -> HttpResponse:
    return render(request, "accounts/api_key_list.html", {"keys": request.user.api_keys.all()})


@require_http_methods(["GET", "POST"])
@confirmed
@sensitive_variables("secret")
def api_key_add(request: UserRequest) -> HttpResponse:
    form = ApiKeyForm(request.POST or None)
    if not form.is_valid():
        return render(request, "accounts/api_key_form.html", {"form": form}, status=422 if form.is_bound else 200)
    key, secret = api_keys.create(user=request.user, **form.cleaned_data)
    return render(request, "accounts/api_key_shown.html", {"key": key, "secret": secret})


@require_http_methods(["GET", "POST"])
def api_key_revoke(request: UserRequest, pk: int) -> HttpResponse:
    key = get_object_or_404(ApiKey, pk=pk, user=request.user)
    if request.method == "POST":
        api_keys.revoke(key=key, actor=request.user)
        messages.success(request, f"API key “{key.label}” revoked")
        return redirect("accounts:api-key-list")
    return confirm_page(
        request,
        heading="API keys",
        title=f"Revoke “{key.label}”?",
        text="Programs that use this key are refused from their next request. This cannot be undone.",
        verb="Revoke key",
        cancel="accounts:api-key-list",
    )
