"""A budget that is used up is told to administrators: once for each share and month."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core.mail import EmailMessage
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from accounts.models import Role, Team, User
from audit.models import AuditEvent
from telemetry import tasks
from telemetry.actions import TelemetryAction
from telemetry.costs import alerts
from telemetry.models import Budget, BudgetAlert, Generation, Status

ClientOf = Callable[[User], Client]
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def spend(user: User, usd: str, *, at: datetime = NOW - timedelta(hours=2)) -> None:
    Generation.objects.create(
        user=user,
        provider="openai",
        request_model="gpt-5",
        status=Status.SUCCEEDED,
        started_at=at,
        ended_at=at,
        heartbeat_at=at,
        input_tokens=1,
        cost_usd=Decimal(usd),
    )


def check(now: datetime = NOW) -> list[int]:
    """Percentages that are new."""
    return [alert.percent for alert in alerts.check_budgets(now=now, defer_mail=lambda *keys: None)]


@pytest.fixture
def budget(db: None) -> Budget:
    return Budget.objects.create(monthly_usd=10)


def test_each_share_is_noted_once_as_it_is_reached(budget: Budget, alice: User) -> None:
    told = []
    for usd in ("4.99", "0.01", "0", "3", "2", "20"):
        spend(alice, usd)
        told.append(check())
    assert told == [[], [50], [], [80], [100], []]
    entries = AuditEvent.objects.filter(action=TelemetryAction.BUDGET_ALERT).order_by("sequence")
    assert [entry.after["percent"] for entry in entries] == [50, 80, 100]
    assert entries[0].after == {"percent": 50, "month": "2026-11", "spent_usd": "5.00", "monthly_usd": "10.00"}


def test_the_next_month_begins_anew(budget: Budget, alice: User) -> None:
    spend(alice, "11")
    assert check() == [50, 80, 100]
    december = NOW + timedelta(days=20)
    assert check(december) == []
    spend(alice, "6", at=december - timedelta(hours=1))
    assert check(december) == [50]


def test_another_budget_begins_anew_and_nothing_is_told_twice_when_it_is_set_back(budget: Budget, alice: User) -> None:
    spend(alice, "8")
    assert check() == [50, 80]
    Budget.objects.update(monthly_usd=16)
    assert check() == [50]
    Budget.objects.update(monthly_usd=10)
    assert check() == []


def test_a_team_has_its_own(alice: User, bob: User, charlie: User, team: Team) -> None:
    Budget.objects.create(team=team, monthly_usd=10)
    spend(charlie, "100")
    assert check() == []
    spend(bob, "6")
    assert check() == [50]


def test_calls_of_other_months_and_calls_without_a_price_do_not_count(budget: Budget, alice: User) -> None:
    spend(alice, "10", at=NOW - timedelta(days=25))
    Generation.objects.create(user=alice, provider="x", request_model="y", started_at=NOW, input_tokens=5)
    assert check() == []


def test_an_alert_that_fails_to_be_stored_is_told_the_next_time(budget: Budget, alice: User) -> None:
    def fail(alert: BudgetAlert) -> None:
        raise RuntimeError

    spend(alice, "6")
    alerts.also_tell.append(fail)
    try:
        with pytest.raises(RuntimeError):
            check()
    finally:
        alerts.also_tell.remove(fail)
    assert not BudgetAlert.objects.exists() and check() == [50]


@pytest.mark.django_db(transaction=True)
def test_administrators_get_one_mail_for_the_highest(
    admin: User,
    alice: User,
    run_jobs: Callable[[], None],
    settings: Settings,
    mailoutbox: list[EmailMessage],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings.MAIL_IS_CONFIGURED = True
    User.objects.create_user(email="gone@example.org", role=Role.ADMINISTRATOR, is_active=False)
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOW)
    Budget.objects.create(monthly_usd=10)
    spend(alice, "8.5")
    for _ in range(2):
        tasks.check_budgets(timestamp=0)
    monkeypatch.undo()
    run_jobs()
    (mail,) = mailoutbox
    assert mail.to == [admin.email] and mail.subject == "AISTRALE: 80% of the budget of everyone spent"
    assert "$8.50 of the monthly budget of $10.00 for everyone were spent by 20 November 2026, 12:00 UTC" in mail.body
    assert f"{settings.PUBLIC_ORIGIN}/telemetry/costs/?whose=everyone" in mail.body


def test_whoever_is_no_administrator_any_more_gets_no_mail(
    budget: Budget, admin: User, alice: User, mailoutbox: list[EmailMessage]
) -> None:
    spend(alice, "6")
    (alert,) = alerts.check_budgets(now=NOW, defer_mail=lambda *keys: None)
    alerts.mail_alert(alert_id=alert.pk, user_id=alice.pk)
    Budget.objects.all().delete()
    alerts.mail_alert(alert_id=alert.pk, user_id=admin.pk)
    assert mailoutbox == []


def test_pages_show_what_was_reached_and_the_range_of_the_projection(
    budget: Budget, admin: User, client_of: ClientOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOW)
    for days in range(1, 6):
        spend(admin, f"{days % 3}.5", at=NOW - timedelta(days=days))
    check()
    client = client_of(admin)
    costs: Any = client.get(reverse("telemetry:costs"), {"whose": "everyone"})
    page = costs.content.decode()
    assert "50% reached on" in page and "alerts at 50, 80 and 100%" in page
    projection = costs.context["costs"].projection
    assert costs.context["costs"].total.cost_usd <= projection.low < projection.expected < projection.high
    dashboard = client.get(reverse("dashboard"), {"whose": "everyone"}).content.decode()
    assert "50% reached on" in dashboard and "of $10.00 budget" in dashboard
    assert "budget" not in json.dumps(str(client.get(reverse("dashboard")).context["month"].budget))
