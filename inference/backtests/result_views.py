"""What is done with the results of a backtest: export, comparison with another, and one call once more."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from accounts.requests import UserRequest
from inference.backtests import exporting, services
from inference.backtests.models import Backtest, BacktestCall
from inference.backtests.services import BacktestRefused
from inference.backtests.shown import matched


@require_POST
def call_again(request: UserRequest, pk: UUID, row_pk: int) -> HttpResponse:
    backtests = Backtest.objects.editable_by(request.user)
    rows = BacktestCall.objects.select_related("backtest").filter(backtest__in=backtests, backtest=pk)
    row = get_object_or_404(rows, pk=row_pk)
    try:
        services.run_again(row=row, actor=request.user)
    except BacktestRefused as refused:
        messages.error(request, str(refused))
    return redirect(row.backtest)


@require_safe
def backtest_compare(request: UserRequest, pk: UUID) -> HttpResponse:
    """Beside the backtest ``with``: how each did with the calls that both have replayed."""
    backtest = _visible(request, pk)
    with_same_calls = Backtest.objects.visible_to(request.user).exclude(pk=pk)
    offered = with_same_calls.filter(calls__call_id__in=backtest.calls.values("call_id")).distinct()[:50]
    wanted = request.GET.get("with", "")
    other = next((one for one in offered if str(one.pk) == wanted), offered[0] if offered and not wanted else None)
    context: dict[str, Any] = {"backtest": backtest, "offered": offered, "other": other}
    if other is not None:
        context["matched"] = matched(backtest, other)
    return render(request, "backtests/backtest_compare.html", context)


@require_safe
def export_csv(request: UserRequest, pk: UUID) -> StreamingHttpResponse:
    return _download(exporting.as_csv(_visible(request, pk)), "text/csv; charset=utf-8", f"backtest-{pk}.csv")


@require_safe
def export_jsonl(request: UserRequest, pk: UUID) -> StreamingHttpResponse:
    return _download(exporting.as_jsonl(_visible(request, pk)), "application/x-ndjson", f"backtest-{pk}.jsonl")


def _download(lines: exporting.Lines, content_type: str, name: str) -> StreamingHttpResponse:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingHttpResponse(lines, content_type=content_type, headers=headers)


def _visible(request: UserRequest, pk: UUID) -> Backtest:
    return get_object_or_404(Backtest.objects.visible_to(request.user).select_related("owner", "team"), pk=pk)
