"""Telling that a share of a budget was spent: once for each share and month, by mail and to whoever else listens."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal

from django.conf import settings
from django.core.mail import send_mail
from django.db import transaction
from django.template.loader import render_to_string
from django.urls import reverse

from accounts.admission import release_slot
from accounts.mail import sending
from accounts.models import Membership, Team, User
from audit.services import record
from telemetry.actions import TelemetryAction
from telemetry.costs.models import Budget, BudgetAlert
from telemetry.costs.month import Month, month_of
from telemetry.dashboard import numbers
from telemetry.rollups.reading import Figures, Reader

# Percent of a budget.
THRESHOLDS = (50, 80, 100)

# Has the worker mail an alert to a user, both by their keys.
DeferMail = Callable[[int, int], None]
# What apps above do of an alert, within the transaction that notes it.
also_tell: list[Callable[[BudgetAlert], None]] = []


def check_budgets(*, now: datetime, defer_mail: DeferMail) -> list[BudgetAlert]:
    """Note what was reached since the last time; returns that."""
    month = month_of("", now)
    keys = Budget.objects.order_by("pk").values_list("pk", flat=True)
    return [alert for key in list(keys) for alert in _check(key, month, defer_mail)]


@transaction.atomic
def _check(key: int, month: Month, defer_mail: DeferMail) -> list[BudgetAlert]:
    budget = Budget.objects.select_related("team").select_for_update(of=("self",)).filter(pk=key).first()
    if budget is None:
        return []
    spent = _spent(budget.team, month)
    told = BudgetAlert.objects.filter(budget=budget, month=month.start.date(), monthly_usd=budget.monthly_usd)
    known = set(told.values_list("percent", flat=True))
    new = [
        BudgetAlert.objects.create(
            budget=budget,
            month=month.start.date(),
            percent=percent,
            monthly_usd=budget.monthly_usd,
            spent_usd=spent,
            reached_at=month.now,
        )
        for percent in THRESHOLDS
        if percent not in known and 100 * spent >= percent * budget.monthly_usd
    ]
    for alert in new:
        _record(alert)
    # Where several shares were reached at once, the highest says it all.
    if new:
        _tell(new[-1], defer_mail)
    return new


def _spent(team: Team | None, month: Month) -> Decimal:
    users = None if team is None else list(Membership.objects.filter(team=team).values_list("user", flat=True))
    figures = Reader(month.span, now=month.now, users=users).by((), with_durations=False)
    return figures.get((), Figures()).cost_usd


def _record(alert: BudgetAlert) -> None:
    after = {
        "percent": alert.percent,
        "month": f"{alert.month:%Y-%m}",
        "spent_usd": f"{alert.spent_usd:.2f}",
        "monthly_usd": str(alert.monthly_usd),
    }
    details = {"team": _name_of(alert.budget)}
    record(action=TelemetryAction.BUDGET_ALERT, actor=None, target=alert.budget, after=after, details=details)


def _tell(alert: BudgetAlert, defer_mail: DeferMail) -> None:
    for tell in also_tell:
        tell(alert)
    if settings.MAIL_IS_CONFIGURED:
        for user in User.objects.administrators():
            defer_mail(alert.pk, user.pk)


def mail_alert(*, alert_id: int, user_id: int) -> None:
    """Nothing where the budget is gone, or the user is an administrator no longer. Raises MailNotSent."""
    alert = BudgetAlert.objects.select_related("budget__team").filter(pk=alert_id).first()
    user = User.objects.administrators().filter(pk=user_id).first()
    if alert is None or user is None:
        return
    name = _name_of(alert.budget)
    context = {
        "user": user,
        "alert": alert,
        "name": name,
        "spent": numbers.dollars(alert.spent_usd),
        "budget": numbers.dollars(alert.monthly_usd),
        "link": f"{settings.PUBLIC_ORIGIN}{costs_url(alert.budget)}",
    }
    text = render_to_string("telemetry/email/budget_alert.txt", context)
    with release_slot(), sending():
        send_mail(f"AISTRALE: {alert.percent}% of the budget of {name} spent", text, None, [user.email])


def costs_url(budget: Budget) -> str:
    return reverse("telemetry:costs") + (f"?team={budget.team_id}" if budget.team_id else "?whose=everyone")


def _name_of(budget: Budget) -> str:
    return str(budget.team) if budget.team else "everyone"
