"""Webhooks of administrators are told of budgets, where they ask for it."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.test import Client

from accounts.models import Role, User
from telemetry.models import Budget, BudgetAlert
from webhooks import services
from webhooks.models import Delivery, Webhook
from webhooks.tests.receiver import Receiver

pytestmark = pytest.mark.django_db(transaction=True)
RunJobs = Callable[[], None]
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def reach() -> BudgetAlert:
    budget = Budget.objects.create(monthly_usd=10)
    alert = BudgetAlert.objects.create(
        budget=budget,
        month=NOW.date().replace(day=1),
        percent=80,
        monthly_usd=10,
        spent_usd=Decimal("8.25"),
        reached_at=NOW,
    )
    services.queue_alert(alert)
    return alert


def listen(owner: User, receiver: Receiver, **values: bool) -> Webhook:
    return services.create_webhook(owner=owner, name="Spend", url=receiver.url, **values)[0]


def test_it_tells_which_share_of_which_budget(
    admin: User, receiver: Receiver, run_jobs: RunJobs, client_of: Callable[[User], Client]
) -> None:
    webhook = listen(admin, receiver, on_moves=False, on_budgets=True)
    reach()
    run_jobs()
    (received,) = receiver.received
    assert json.loads(received.body) == {
        "event": "budget.threshold.reached",
        "delivery": str(Delivery.objects.get().pk),
        "team": None,
        "month": "2026-11",
        "percent": 80,
        "spent_usd": "8.250000000000",
        "budget_usd": "10.00",
        "at": "2026-11-20T12:00:00+00:00",
    }
    page = client_of(admin).get(webhook.get_absolute_url()).content.decode()
    assert "Budget of everyone · 80% reached" in page


def test_nobody_else_is_told(admin: User, alice: User, receiver: Receiver, run_jobs: RunJobs) -> None:
    listen(admin, receiver), listen(alice, receiver, on_budgets=True)
    listen(admin, receiver, on_budgets=True, is_active=False)
    reach()
    run_jobs()
    assert receiver.received == [] and not Delivery.objects.exists()


def test_whoever_is_no_administrator_any_more_is_not_told(admin: User, receiver: Receiver, run_jobs: RunJobs) -> None:
    User.objects.create_user(email="other@example.org", role=Role.ADMINISTRATOR)
    listen(admin, receiver, on_budgets=True)
    reach()
    User.objects.filter(pk=admin.pk).update(role=Role.ENGINEER)
    run_jobs()
    assert receiver.received == [] and "no longer an administrator" in Delivery.objects.get().error


def test_only_administrators_are_offered_it(client_of: Callable[[User], Client], admin: User, alice: User) -> None:
    sent = {"name": "Spend", "url": "https://hooks.example.org", "is_active": "on", "on_budgets": "on"}
    for user in (admin, alice):
        page = client_of(user).get("/prompts/webhooks/add/").content.decode()
        assert ("Budget alerts" in page) == user.is_administrator
        client_of(user).post("/prompts/webhooks/add/", sent)
    told = {webhook.owner: (webhook.on_moves, webhook.on_budgets) for webhook in Webhook.objects.all()}
    assert told == {admin: (False, True), alice: (True, False)}
