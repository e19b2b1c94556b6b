"""The private hosts that calls may go to, for administrators, and what is said of a base URL while it is typed."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from accounts.admission import release_slot
from accounts.login.reauthentication import require_confirmation
from accounts.requests import UserRequest, administrators_only, confirm_page
from tokens.allowed_hosts import allow_host, hint_of, remove_host
from tokens.forms import HostForm
from tokens.models import AllowedHost, ProviderToken


@administrators_only
@require_http_methods(["GET", "HEAD", "POST"])
def host_list(request: UserRequest) -> HttpResponse:
    """``host`` in the URL is the one to begin with."""
    form = HostForm(request.POST or None, initial={"host": request.GET.get("host", "")[:260]})
    if request.method == "POST":
        require_confirmation(request)
    if form.is_valid() and _allow(request, form):
        return redirect("tokens:host-list")
    context = {
        "form": form,
        "hosts": AllowedHost.objects.select_related("added_by"),
        "listed": settings.PROVIDER_HOSTS,
    }
    return render(request, "tokens/host_list.html", context, status=422 if form.is_bound else 200)


def _allow(request: UserRequest, form: HostForm) -> bool:
    try:
        allowed = allow_host(**form.cleaned_data, actor=request.user)
    except ValidationError as error:
        form.add_error(None, error)
        return False
    messages.success(request, f"{allowed} allowed.")
    return True


@administrators_only
@require_http_methods(["GET", "POST"])
def host_remove(request: UserRequest, pk: int) -> HttpResponse:
    allowed = get_object_or_404(AllowedHost, pk=pk)
    if request.method == "POST":
        remove_host(allowed=allowed, actor=request.user)
        messages.success(request, f"{allowed} removed.")
        return redirect("tokens:host-list")
    using = ProviderToken.objects.filter(base_url__icontains=f"//{allowed.host}").count()
    keys = "1 provider key uses" if using == 1 else f"{using} provider keys use"
    return confirm_page(
        request,
        heading="Allowed hosts",
        title=f"Remove {allowed}?",
        text=f"{keys} this host. New calls to it fail; calls in progress finish.",
        verb="Remove",
        cancel="tokens:host-list",
    )


@administrators_only
@require_safe
def base_url_hint(request: UserRequest) -> HttpResponse:
    """What is known of the ``base_url`` that is being typed."""
    if not request.htmx:
        return redirect("tokens:token-add")
    with release_slot():
        hint = hint_of(request.GET.get("base_url", "")[:300])
    return render(request, "tokens/_base_url_hint.html", {"hint": hint})
