"""The pages of provider keys."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django_htmx.http import HttpResponseClientRedirect

from accounts.forms import NameForm
from accounts.login.reauthentication import require_confirmation
from accounts.models import User
from accounts.providers import label_of
from accounts.requests import UserRequest, confirm_page
from listing.pages import render_list
from tokens import services
from tokens.checks import CheckResult, TokenState
from tokens.filters import TokenFilter
from tokens.forms import AddForm, EditForm, ReplaceForm
from tokens.models import ProviderToken
from tokens.spending import Spend, spent_this_month

UNTESTED = "untested"


@dataclass(frozen=True, slots=True)
class Row:
    token: ProviderToken
    state: TokenState
    editable: bool
    spend: Spend | None


@require_safe
def token_list(request: UserRequest) -> HttpResponse:
    form = TokenFilter(request.GET, user=request.user)
    return render_list(request, "tokens/token_list.html", {"form": form, "rows": _rows(form, request.user)})


@sensitive_post_parameters("secret")
@require_http_methods(["GET", "POST"])
def token_add(request: UserRequest) -> HttpResponse:
    @sensitive_variables("data")
    def save(check: CheckResult | None, data: dict[str, Any]) -> str:
        token = services.add_token(owner=request.user, actor=request.user, check=check, **data)
        return f"“{token.label}” added. {_humanize_check(check)}"

    return _form_page(request, "tokens/token_add.html", AddForm(request.POST or None, user=request.user), save)


@sensitive_post_parameters("secret")
@sensitive_variables("form")
@require_http_methods(["GET", "POST"])
def token_edit(request: UserRequest, token_id: UUID) -> HttpResponse:
    token = _editable(request, token_id)
    form = EditForm(request.POST or None, token=token, user=request.user)
    if form.is_valid() and form.cleaned_data["secret"]:
        require_confirmation(request)

    @sensitive_variables("data")
    def save(check: CheckResult | None, data: dict[str, Any]) -> str:
        return f"“{services.update_token(token=token, actor=request.user, check=check, **data).label}” saved."

    return _form_page(request, "tokens/token_edit.html", form, save, token)


@sensitive_post_parameters("secret")
@require_http_methods(["GET", "POST"])
def token_replace(request: UserRequest, token_id: UUID) -> HttpResponse:
    token = _editable(request, token_id)
    require_confirmation(request)

    @sensitive_variables("data")
    def save(check: CheckResult | None, data: dict[str, Any]) -> str:
        services.replace_secret(token=token, actor=request.user, check=check, **data)
        return f"Key “{token.label}” replaced. {_humanize_check(check)}"

    return _form_page(request, "tokens/token_replace.html", ReplaceForm(request.POST or None), save, token)


@require_POST
def token_check(request: UserRequest, token_id: UUID) -> HttpResponse:
    token = _editable(request, token_id)
    try:
        check = services.check_token(token=token, actor=request.user)
    except services.TokenUnreadable:
        messages.error(request, f"“{token.label}” can no longer be decrypted. Enter the key again.")
    else:
        level = messages.SUCCESS if check.ok else messages.WARNING
        messages.add_message(request, level, f"“{token.label}”: {_humanize_check(check)}")
    return _after_change(request)


@require_POST
def token_default(request: UserRequest, token_id: UUID) -> HttpResponse:
    token = _editable(request, token_id)
    services.make_default(token=token, actor=request.user)
    messages.success(request, f"“{token.label}” is now the default for {token.get_provider_display()}.")
    return _after_change(request)


@require_http_methods(["GET", "POST"])
def token_delete(request: UserRequest, token_id: UUID) -> HttpResponse:
    token = _editable(request, token_id)
    form = NameForm(request.POST or None, expected=token.label)
    if form.is_valid():
        services.delete_token(token=token, actor=request.user)
        messages.success(request, f"“{token.label}” deleted. New calls can no longer use it.")
        return redirect("tokens:token-list")
    return confirm_page(
        request,
        heading="Provider keys",
        title=f"Delete “{token.label}”?",
        text=f"{token.get_provider_display()} {token.hint}: conversations that use it will ask for another endpoint. "
        "This cannot be undone. If the key may have leaked, revoke it at the provider as well.",
        verb="Delete",
        cancel="tokens:token-list",
        form=form,
    )


def _editable(request: UserRequest, token_id: UUID) -> ProviderToken:
    """Somebody else's token answers as one that does not exist."""
    tokens = ProviderToken.objects.editable_by(request.user).select_related("owner", "team")
    return get_object_or_404(tokens, pk=token_id)


def _rows(form: TokenFilter, user: User) -> list[Row]:
    visible = ProviderToken.objects.visible_to(user).select_related("owner", "team")
    editable = set(ProviderToken.objects.editable_by(user).values_list("pk", flat=True))
    spends = spent_this_month(editable)
    rows = [Row(token, _state(token), token.pk in editable, spends.get(token.pk)) for token in form.narrow(visible)]
    return [row for row in rows if form.has_state(row.state)]


def _state(token: ProviderToken) -> TokenState:
    """As it is at this moment: a key may have gone since the state was stored."""
    return TokenState(token.state) if services.is_readable(token) else TokenState.NEEDS_REENTRY


def _humanize_check(check: CheckResult | None) -> str:
    if check is None:
        return "It was not tested."
    answer = f"{check.state.label} (tested in {check.milliseconds:,} ms)."
    return answer if check.ok else f"{answer} {check.message}"


@sensitive_variables("form", "data")
def _form_page(
    request: UserRequest,
    template: str,
    form: AddForm | EditForm | ReplaceForm,
    save: Callable[[CheckResult | None, dict[str, Any]], str],
    token: ProviderToken | None = None,
) -> HttpResponse:
    """Tests the secret, unless it stays or the user has chosen not to, and saves; or shows the form (again)."""
    check = None
    provider = token.provider if token else form.data.get("provider", "").partition(":")[0]
    if form.is_valid():
        data = form.cleaned_data
        if UNTESTED not in request.POST and (data["secret"] or not token):
            base_url = data.get("base_url", token.base_url if token else "")
            check = services.test_secret(
                actor=request.user, provider=provider, secret=data["secret"], base_url=base_url
            )
        if check is None or check.ok:
            messages.success(request, save(check, data))
            url = reverse("tokens:token-list")
            return HttpResponseClientRedirect(url) if request.htmx else redirect(url)
    context = {"form": form, "check": check, "token": token, "provider": label_of(provider)}
    part = "#form" if request.htmx else ""
    return render(request, template + part, context, status=422 if form.is_bound else 200)


def _after_change(request: UserRequest) -> HttpResponse:
    if not request.htmx:
        return redirect("tokens:token-list")
    # The rows of the page that it was done on.
    form = TokenFilter(QueryDict(urlsplit(request.htmx.current_url or "").query), user=request.user)
    return render(request, "tokens/token_list.html#tokens", {"rows": _rows(form, request.user)})
