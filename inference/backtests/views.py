"""The pages of backtests: the list, a new one, and the progress and results of one."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.requests import UserRequest, confirm_page
from accounts.share_pages import share_page
from inference.backtests import services
from inference.backtests.actions import BacktestAction
from inference.backtests.filters import BacktestFilter
from inference.backtests.forms import BacktestForm, StartForm
from inference.backtests.models import Backtest, BacktestCall, State
from inference.backtests.services import BacktestRefused
from inference.backtests.shown import SHOWN, listed, opened, progress_of, shown_rows
from listing.pages import get_page, render_list
from telemetry.models import Generation

PARTS = {"progress", "results"}


@require_safe
def backtest_list(request: UserRequest) -> HttpResponse:
    visible = Backtest.objects.visible_to(request.user).select_related("owner", "team")
    form = BacktestFilter(request.GET, user=request.user)
    page = get_page(form.narrow(visible), request.GET, by=["-created_at", "-id"])
    return render_list(request, "backtests/backtest_list.html", {"form": form, "page": page})


@require_http_methods(["GET", "POST"])
def backtest_add(request: UserRequest) -> HttpResponse:
    """A new one, of the calls of ``prompt`` (with ``version``) or of one ``call`` where those are given."""
    form = BacktestForm(request.POST or None, user=request.user, initial=request.GET.dict())
    if form.is_valid():
        try:
            backtest = services.create_backtest(owner=request.user, plan=form.plan())
        except BacktestRefused as refused:
            form.add_error(None, str(refused))
        else:
            return redirect(backtest)
    call = form["call"].value()
    single = Generation.objects.filter(user=request.user, pk=call).first() if _is_uuid(call) else None
    context = {"form": form, "single": single}
    return render(request, "backtests/backtest_form.html", context, status=422 if form.is_bound else 200)


def _is_uuid(text: Any) -> bool:
    try:
        return bool(UUID(str(text)))
    except ValueError:
        return False


@require_safe
def backtest_detail(request: UserRequest, pk: UUID) -> HttpResponse:
    """The page, or the part of it that htmx is going to swap.

    ``show`` picks the rows by their result, ``open`` is the row that is read beside its replay.
    """
    visible = Backtest.objects.visible_to(request.user).select_related("owner", "team")
    backtest = get_object_or_404(visible, pk=pk)
    part = request.htmx.target if request.htmx.target in PARTS else ""
    response = render(
        request, f"backtests/backtest_detail.html{f'#{part}' if part else ''}", _context(request, backtest)
    )
    patch_vary_headers(response, ["HX-Target"])
    return response


def _context(request: UserRequest, backtest: Backtest, start_form: StartForm | None = None) -> dict[str, Any]:
    show = request.GET.get("show", "")
    show = show if show in SHOWN else ""
    page = get_page(shown_rows(backtest, show), request.GET, by=["position"])
    wanted = request.GET.get("open", "")
    is_number = wanted.isdecimal() and len(wanted) < 19
    row = BacktestCall.objects.filter(backtest=backtest, pk=wanted).first() if is_number else None
    progress = progress_of(backtest, may_edit=backtest.owner_id == request.user.pk)
    return {
        "backtest": backtest,
        "progress": progress,
        "estimate": backtest.estimate,
        "estimate_usd": Decimal(backtest.estimate["usd"]),
        "start_form": start_form or (StartForm(None) if backtest.estimate.get("unpriced") else None),
        "show": show,
        "page": page,
        "rows": listed(page.rows),
        "opened": opened(row, request.user) if row else None,
        "is_draft": backtest.state == State.DRAFT,
    }


@require_POST
def backtest_start(request: UserRequest, pk: UUID) -> HttpResponse:
    """Begin, or go on after a pause."""
    backtest = editable(request, pk)
    form = StartForm(request.POST) if backtest.state == State.DRAFT and backtest.estimate.get("unpriced") else None
    if form is not None and not form.is_valid():
        return render(request, "backtests/backtest_detail.html", _context(request, backtest, form), status=422)
    most = form.cleaned_data["most_unpriced"] if form else None
    return _step(request, backtest, lambda: services.start_backtest(
        backtest=backtest, actor=request.user, most_unpriced=most
    ))  # fmt: skip


@require_POST
def backtest_pause(request: UserRequest, pk: UUID) -> HttpResponse:
    backtest = editable(request, pk)
    return _step(request, backtest, lambda: services.pause_backtest(backtest=backtest, actor=request.user))


@require_POST
def backtest_cancel(request: UserRequest, pk: UUID) -> HttpResponse:
    backtest = editable(request, pk)
    return _step(request, backtest, lambda: services.cancel_backtest(backtest=backtest, actor=request.user))


def _step(request: UserRequest, backtest: Backtest, take: Callable[[], None]) -> HttpResponse:
    try:
        take()
    except BacktestRefused as refused:
        messages.error(request, str(refused))
    return redirect(backtest)


@require_http_methods(["GET", "POST"])
def backtest_share(request: UserRequest, pk: UUID) -> HttpResponse:
    return share_page(
        request,
        editable(request, pk),
        action=BacktestAction.BACKTEST_SHARE,
        help_text="They can see the calls, answers and costs. Only you can run it.",
    )


@require_http_methods(["GET", "POST"])
def backtest_delete(request: UserRequest, pk: UUID) -> HttpResponse:
    backtest = editable(request, pk)
    if request.method == "POST":
        try:
            services.delete_backtest(backtest=backtest, actor=request.user)
        except BacktestRefused as refused:
            messages.error(request, str(refused))
            return redirect(backtest)
        messages.success(request, f"“{backtest.title}” deleted")
        return redirect("backtests:backtest-list")
    return confirm_page(
        request,
        heading="Delete backtest",
        title=f"Delete “{backtest.title}”?",
        text="Its results are permanently deleted. Call records stay in telemetry.",
        verb="Delete backtest",
        cancel=backtest,
    )


def editable(request: UserRequest, pk: UUID) -> Backtest:
    return get_object_or_404(Backtest.objects.editable_by(request.user).select_related("owner", "team"), pk=pk)
