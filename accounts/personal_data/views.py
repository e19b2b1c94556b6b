"""Export and erasure of personal data, by the user and by administrators."""

from __future__ import annotations

from datetime import UTC, datetime

from django.contrib import messages
from django.contrib.auth import logout
from django.db import transaction
from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_safe

from accounts.actions import AccountsAction
from accounts.login.reauthentication import confirmed
from accounts.models import User
from accounts.people.forms import EraseForm
from accounts.people.services import LastAdministrator
from accounts.personal_data import registry
from accounts.personal_data.erasure import erase_user
from accounts.requests import UserRequest, administrators_only
from audit.services import record


@require_safe
@confirmed
def own_data(request: UserRequest) -> HttpResponse:
    return render(request, "accounts/own_data.html")


@require_GET
@confirmed
def own_export(request: UserRequest) -> StreamingHttpResponse:
    return _export(request.user, actor=request.user)


@require_http_methods(["GET", "POST"])
@confirmed
def own_erase(request: UserRequest) -> HttpResponse:
    refused = _erase(request, request.user, back=reverse("accounts:own-data"))
    if refused is not None:
        return refused
    logout(request)
    return render(request, "accounts/erased.html")


@administrators_only
@require_safe
@confirmed
def person_data(request: UserRequest, pk: int) -> HttpResponse:
    return render(request, "accounts/person_data.html", {"person": get_object_or_404(User, pk=pk)})


@administrators_only
@require_GET
@confirmed
def person_export(request: UserRequest, pk: int) -> StreamingHttpResponse:
    return _export(get_object_or_404(User, pk=pk), actor=request.user)


@administrators_only
@require_http_methods(["GET", "POST"])
@confirmed
def person_erase(request: UserRequest, pk: int) -> HttpResponse:
    user = get_object_or_404(User, pk=pk)
    if user == request.user:
        return redirect("accounts:own-erase")
    refused = _erase(request, user, back=reverse("people:person-data", args=[pk]))
    if refused is not None:
        return refused
    messages.success(request, "Account deleted")
    return redirect("people:person-list")


def _erase(request: UserRequest, user: User, *, back: str) -> HttpResponse | None:
    """None where it is done."""
    form = EraseForm(request.POST or None, user=user)
    if form.is_valid():
        try:
            erase_user(user=user, actor=request.user)
        except LastAdministrator as refusal:
            refusal.record(actor=request.user)
            form.add_error(None, str(refusal))
        else:
            return None
    context = {"form": form, "person": user, "back": back, "is_self": user == request.user}
    return render(request, "accounts/erase.html", context, status=422 if form.is_bound else 200)


def _export(user: User, *, actor: User) -> StreamingHttpResponse:
    """The export is recorded first."""
    with transaction.atomic():
        record(action=AccountsAction.USER_EXPORT, actor=actor, target=user)
    name = f"personal-data-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.jsonl"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingHttpResponse(registry.lines(user), content_type="application/jsonl", headers=headers)
