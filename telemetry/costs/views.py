"""The page of costs, and what may be spent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from accounts.models import Team
from accounts.requests import UserRequest, administrators_only
from listing.pages import query_of
from telemetry.costs.budgets import range_of
from telemetry.costs.forms import BudgetForm, ScopeForm
from telemetry.costs.models import Budget
from telemetry.costs.month import Month, month_of
from telemetry.costs.naming import GROUPINGS
from telemetry.costs.page import Costs
from telemetry.costs.services import set_budget
from telemetry.dashboard import numbers
from telemetry.dashboard.window import SCOPES

RANKINGS = ("user", "prompt", "key")


@require_safe
def costs(request: UserRequest) -> HttpResponse:
    form = ScopeForm(request.GET, user=request.user)
    found = Costs(form, month_of(request.GET.get("month", ""), timezone.now()))
    group = request.GET.get("by", "")
    group = group if group in _groups(form) else "model"
    rankings = [key for key in RANKINGS if key != group and key in _groups(form)]
    context = {
        **_controls(request, form, found, group),
        **_figures(found),
        "grouping": GROUPINGS[group],
        "rows": found.rows(group),
        "rankings": [found.ranking(key, query_of(request.GET, without="by", by=key)) for key in rankings],
    }
    return render(request, "telemetry/costs.html", context)


def _controls(request: UserRequest, form: ScopeForm, found: Costs, group: str) -> dict[str, Any]:
    as_table = request.GET.get("show") == "table"
    return {
        "months": _months(request, found.month),
        "scope_label": str(form.one_team) if form.one_team else SCOPES[form.scope],
        "scopes": _choices(request, "whose", SCOPES, "" if form.one_team else form.scope, also_without="team"),
        "groups": _choices(request, "by", {key: GROUPINGS[key].label for key in _groups(form)}, group),
        "as_table": as_table,
        "query_table": query_of(request.GET, without="show", **({} if as_table else {"show": "table"})) or "?",
    }


def _figures(found: Costs) -> dict[str, Any]:
    projection = found.projection
    return {
        "costs": found,
        "late": found.late,
        "month": found.month,
        "spent": numbers.dollars(found.total.cost_usd),
        "previous": numbers.dollars(found.before.cost_usd),
        "projection": range_of(projection),
        "expected": numbers.whole_dollars(projection.expected) if projection else "",
        "change": found.change(),
        "budget": found.budget(),
        "unpriced": found.unpriced(),
        "chart": found.chart(),
        "all_calls": found.calls(),
    }


def _groups(form: ScopeForm) -> list[str]:
    """Who sees own costs alone needs no users and teams."""
    hidden = () if form.user.is_administrator else ("user", "team")
    return [key for key in GROUPINGS if key not in hidden and not (key == "team" and form.one_team)]


def _choices(
    request: UserRequest, name: str, labels: Mapping[str, str], current: str, *, also_without: str = ""
) -> list[tuple[str, str, bool]]:
    """Label, query, and whether it is the current one."""
    given = request.GET.copy()
    given.pop(also_without, None)
    return [(label, query_of(given, without=name, **{name: key}), key == current) for key, label in labels.items()]


def _months(request: UserRequest, month: Month) -> list[tuple[str, str, str]]:
    """The one before and the one after: label, query and icon; no query for one that is not yet."""
    before, after = month.before, month.after
    return [
        (f"{before.start:%B %Y}", query_of(request.GET, without="month", month=before.key), "chevron-left"),
        (
            f"{month.end:%B %Y}",
            query_of(request.GET, without="month", month=after.key) if after else "",
            "chevron-right",
        ),
    ]


@administrators_only
@require_http_methods(["GET", "POST"])
def budget_edit(request: UserRequest) -> HttpResponse:
    """Of everyone, or of ``team``."""
    team_id = request.GET.get("team", "")
    team = get_object_or_404(Team, pk=team_id) if _is_uuid(team_id) else None
    budget = Budget.objects.filter(team=team).first()
    form = BudgetForm(request.POST or None, instance=budget)
    if request.method == "POST" and form.is_valid():
        set_budget(team=team, monthly_usd=form.cleaned_data["monthly_usd"], actor=request.user)
        messages.success(request, "Budget saved" if form.cleaned_data["monthly_usd"] else "Budget removed")
        return redirect(reverse("telemetry:costs") + (f"?team={team.pk}" if team else "?whose=everyone"))
    context = {"form": form, "team": team, "sends_mail": settings.MAIL_IS_CONFIGURED}
    return render(request, "telemetry/budget_form.html", context, status=422 if form.errors else 200)


def _is_uuid(text: str) -> bool:
    try:
        return bool(UUID(text))
    except ValueError:
        return False
