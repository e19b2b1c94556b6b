"""Setting budgets."""

from __future__ import annotations

from decimal import Decimal

from django.db import transaction

from accounts.models import Team, User
from audit.services import record
from telemetry.actions import TelemetryAction
from telemetry.costs.models import Budget


@transaction.atomic
def set_budget(*, team: Team | None, monthly_usd: Decimal | None, actor: User) -> Budget | None:
    """Of everyone where ``team`` is None; None as ``monthly_usd`` takes it away."""
    budget = Budget.objects.select_for_update().filter(team=team).first()
    before = {"monthly_usd": str(budget.monthly_usd)} if budget else None
    if (budget.monthly_usd if budget else None) == monthly_usd:
        return budget
    after = None if monthly_usd is None else {"monthly_usd": str(monthly_usd)}
    if budget and monthly_usd is None:
        key = budget.pk
        budget.delete()
        budget.pk = key
    elif monthly_usd is not None:
        budget = budget or Budget(team=team)
        budget.monthly_usd = monthly_usd
        budget.save()
    action = TelemetryAction.BUDGET_SET if after else TelemetryAction.BUDGET_DELETE
    details = {"team": str(team) if team else "everyone"}
    record(action=action, actor=actor, target=budget, before=before, after=after, details=details)
    return budget if after else None
