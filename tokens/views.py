"""The pages of provider keys."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django_htmx.http import HttpResponseClientRedirect

from accounts.login.reauthentication import require_confirmation
from accounts.models import User
from accounts.providers import label_of
from accounts.requests import UserRequest, confirm_page
from listing.pages import render_list
from tokens import services
from tokens.checks import CheckResult, TokenState
from tokens.filters import TokenFilter
from tokens.forms import AddForm, DeleteForm, EditForm, ReplaceForm
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
@sensitive_variables("form", "data")
@require_http_methods(["GET", "POST"])
def token_add(request: UserRequest) -> HttpResponse:
    form = AddForm(request.POST or None, user=request.user)
    check = None
    if form.is_valid():
        data = form.cleaned_data
        check = _test(request, data["provider"], data["secret"], data.get("base_url", ""))
        if check is None or check.ok:
            token = services.add_token(owner=request.user, actor=request.user, check=check, **data)
            messages.success(request, f"“{token.label}” added. {_humanize_check(check)}")
            return _to_list(request)
    return _form_page(request, "tokens/token_add.html", form, check)


@sensitive_post_parameters("secret")
@sensitive_variables("form", "data")
@require_http_methods(["GET", "POST"])
def token_edit(request: UserRequest, token_id: UUID) -> HttpResponse:
    token = _editable(request, token_id)
    form = EditForm(request.POST or None, token=token, user=request.user)
    check = None
    if form.is_valid():
        data = form.cleaned_data
        if data["secret"]:
            require_confirmation(request)
        check = _test(request, token.provider, data["secret"], data["base_url"]) if data["secret"] else None
        if check is None or check.ok:
            token = services.update_token(token=token, actor=request.user, check=check, **data)
            messages.success(request, f"“{token.label}” saved.")
            return _to_list(request)
    return _form_page(request, "tokens/token_edit.html", form, check, token)


@sensitive_post_parameters("secret")
@sensitive_variables("form", "secret")
@require_http_methods(["GET", "POST"])
def token_replace(request: UserRequest, token_id: UUID) -> HttpResponse:
    token = _editable(request, token_id)
    require_confirmation(request)
    form = ReplaceForm(request.POST or None)
    check = None
    if form.is_valid():
        secret = form.cleaned_data["secret"]
        check = _test(request, token.provider, secret, token.base_url)
        if check is None or check.ok:
            services.replace_secret(token=token, actor=request.user, secret=secret, check=check)
            messages.success(request, f"Key “{token.label}” replaced. {_humanize_check(check)}")
            return _to_list(request)
    return _form_page(request, "tokens/token_replace.html", form, check, token)


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
    form = DeleteForm(request.POST or None, token=token)
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


@sensitive_variables("secret")
def _test(request: UserRequest, provider: str, secret: str, base_url: str) -> CheckResult | None:
    """None where the user chose to save without a test."""
    if UNTESTED in request.POST:
        return None
    return services.test_secret(actor=request.user, provider=provider, secret=secret, base_url=base_url)


def _humanize_check(check: CheckResult | None) -> str:
    if check is None:
        return "It was not tested."
    answer = f"{check.state.label} (tested in {check.milliseconds:,} ms)."
    return answer if check.ok else f"{answer} {check.message}"


def _form_page(
    request: UserRequest,
    template: str,
    form: AddForm | EditForm | ReplaceForm,
    check: CheckResult | None,
    token: ProviderToken | None = None,
) -> HttpResponse:
    provider = token.provider if token else form.data.get("provider", "").partition(":")[0]
    context = {"form": form, "check": check, "token": token, "provider": label_of(provider)}
    part = "#form" if request.htmx else ""
    return render(request, template + part, context, status=422 if form.is_bound else 200)


def _to_list(request: UserRequest) -> HttpResponse:
    url = reverse("tokens:token-list")
    return HttpResponseClientRedirect(url) if request.htmx else redirect(url)


def _after_change(request: UserRequest) -> HttpResponse:
    if not request.htmx:
        return redirect("tokens:token-list")
    # The rows of the page that it was done on.
    form = TokenFilter(QueryDict(urlsplit(request.htmx.current_url or "").query), user=request.user)
    return render(request, "tokens/token_list.html#tokens", {"rows": _rows(form, request.user)})
