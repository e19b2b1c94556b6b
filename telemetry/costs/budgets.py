"""A budget as pages show it: what was spent of it, what is expected, and which shares were reached when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.conf import settings
from django.urls import reverse

from accounts.models import Team
from telemetry.costs.models import Budget, BudgetAlert
from telemetry.costs.month import Month
from telemetry.costs.projection import Projection
from telemetry.dashboard import numbers


@dataclass(frozen=True, slots=True)
class BudgetView:
    """``spent``, ``projected`` and those of ``reached`` are percentages of it; ``usd`` is '' where there is none."""

    of: str
    usd: str
    spent: int
    projected: int | None
    reached: Sequence[tuple[int, datetime]]
    edit: str
    sends_mail: bool

    @property
    def last_reached(self) -> tuple[int, datetime] | None:
        return self.reached[-1] if self.reached else None


def budget_view(*, team: Team | None, month: Month, spent: Decimal, projection: Projection | None) -> BudgetView:
    """Of the team, or of everyone together."""
    name = str(team or "everyone")
    edit = reverse("telemetry:budget-edit") + (f"?team={team.pk}" if team else "")
    budget = Budget.objects.filter(team=team).first()
    if budget is None:
        return BudgetView(name, "", 0, None, (), edit, settings.MAIL_IS_CONFIGURED)
    usd = budget.monthly_usd
    told = BudgetAlert.objects.filter(budget=budget, month=month.start.date(), monthly_usd=usd)
    return BudgetView(
        name,
        numbers.dollars(usd),
        _percent(spent, usd),
        _percent(projection.expected, usd) if projection else None,
        list(told.values_list("percent", "reached_at")),
        edit,
        settings.MAIL_IS_CONFIGURED,
    )


def range_of(projection: Projection | None) -> str:
    """``$807–$861``; '' where nothing is known."""
    ends = (projection.low, projection.high) if projection else ()
    return "–".join(dict.fromkeys(map(numbers.whole_dollars, ends)))


def _percent(part: Decimal, whole: Decimal) -> int:
    """Rounded down: 100% has to be all of it."""
    return int(100 * part / whole)
