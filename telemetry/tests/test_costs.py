"""The page of costs: every sum is that of its calls, and what has no price is said."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Membership, Team, User
from audit.models import AuditEvent
from telemetry.actions import TelemetryAction
from telemetry.costs.month import Month, month_of
from telemetry.costs.projection import projected_days
from telemetry.models import Budget, Generation, Status
from telemetry.rollups.keeping import roll_up

ClientOf = Callable[[User], Client]
NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOW)


def call(user: User, *, days_ago: float = 0.1, cost: str | None = "1.5", model: str = "gpt-4o") -> Generation:
    start = NOW - timedelta(days=days_ago)
    return Generation.objects.create(
        user=user,
        provider="openai",
        request_model=model,
        status=Status.SUCCEEDED,
        token_id=UUID(int=1),
        token_label="Team key",
        started_at=start,
        ended_at=start + timedelta(seconds=2),
        heartbeat_at=start,
        input_tokens=10,
        cost_usd=Decimal(cost) if cost else None,
    )


def text_of(client: Client, **query: str) -> str:
    page = client.get(reverse("telemetry:costs"), query).content.decode()
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


def test_it_adds_up_the_month_and_compares_it_with_the_same_days_before(client_of: ClientOf, alice: User) -> None:
    call(alice)
    call(alice, days_ago=20)
    call(alice, days_ago=32, cost="1")
    call(alice, days_ago=27, cost="100")  # After the 26th of October.
    roll_up(now=NOW)
    text = text_of(client_of(alice))
    assert "$3.00 spent" in text
    assert "Same days of October $1.00 Cost ↑ up 200%" in text


def test_it_goes_back_to_whole_months(client_of: ClientOf, alice: User) -> None:
    call(alice, days_ago=27, cost="100")
    text = text_of(client_of(alice), month="2026-10")
    assert "October 2026" in text and "$100.00 spent" in text and "Projected" not in text


@pytest.mark.parametrize("month", ["2027-01", "x", "1999-01", "2026-13", ""])
def test_a_month_that_makes_no_sense_is_this_month(month: str) -> None:
    assert month_of(month, NOW).key == "2026-11"


def test_months_are_those_of_utc_and_end_where_they_should() -> None:
    month = month_of("2026-11", NOW)
    assert (month.end, len(month.days), month.before.span.end) == (
        datetime(2026, 12, 1, tzinfo=UTC),
        30,
        datetime(2026, 10, 26, 12, tzinfo=UTC),
    )
    march = Month(datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 31, tzinfo=UTC))
    assert march.before.span.end == datetime(2026, 3, 1, tzinfo=UTC)


def test_it_counts_only_own_calls_until_an_administrator_asks_for_more(
    client_of: ClientOf, admin: User, alice: User, bob: User, team: Team
) -> None:
    Membership.objects.create(team=team, user=admin)
    for user in (admin, alice, bob):
        call(user)
    call(User.objects.create_user(email="dora@example.org", password="x"))
    client = client_of(admin)
    assert "$1.50 spent" in text_of(client)
    assert "$4.50 spent" in text_of(client, whose="team")
    assert "$6.00 spent" in text_of(client, whose="everyone")
    assert "$3.00 spent" in text_of(client_of(admin), team=str(team.pk)) or "$4.50" in text_of(
        client, team=str(team.pk)
    )
    stranger = text_of(client_of(alice), whose="everyone", team=str(team.pk), by="user")
    assert "$1.50 spent" in stranger and bob.email not in stranger


@pytest.mark.parametrize("by", ["model", "endpoint", "user", "prompt", "key"])
def test_every_row_leads_to_as_many_calls(client_of: ClientOf, admin: User, alice: User, by: str) -> None:
    for user in (admin, alice, alice):
        call(user, days_ago=3)
    Generation.objects.filter(user=admin).update(base_url="https://llm.example.com/v1", provider="mistral")
    for user in (admin, alice, alice):
        call(user, model="o3", cost=None)
    roll_up(now=NOW)
    client = client_of(admin)
    page = client.get(reverse("telemetry:costs"), {"by": by, "whose": "everyone"}).content.decode()
    rows = re.findall(r'class="row-link" href="([^"]+)".*?<td class="num">(\d+)</td>', page, re.S)
    assert bool(rows) == (by != "prompt")
    for href, shown in rows:
        assert len(client.get(html.unescape(href)).context["page"].rows) == int(shown)


def test_teams_are_the_sum_of_their_members(
    client_of: ClientOf, admin: User, alice: User, bob: User, team: Team
) -> None:
    for user in (alice, bob, admin):
        call(user)
    page = client_of(admin).get(reverse("telemetry:costs"), {"by": "team", "whose": "everyone"})
    members = Membership.objects.filter(team=team).count()
    assert [(row.named.name, row.calls) for row in page.context["rows"]] == [(team.name, members)]


def test_unpriced_calls_are_named_with_a_way_to_set_a_price(client_of: ClientOf, admin: User, alice: User) -> None:
    call(admin, model="qwen3-32b", cost=None)
    call(alice, model="qwen3-32b", cost=None)
    page = client_of(admin).get(reverse("telemetry:costs"))
    text = text_of(client_of(admin))
    assert "1 call without a price, not in these totals" in text
    assert "/telemetry/prices/add/?provider=openai&amp;model=qwen3-32b" in page.content.decode()
    own = client_of(alice).get(reverse("telemetry:costs")).content.decode()
    assert "An administrator can set a price." in own and "prices/add" not in own


def test_its_chart_has_the_same_numbers_as_a_table(client_of: ClientOf, alice: User) -> None:
    call(alice, days_ago=2)
    table = text_of(client_of(alice), show="table")
    assert "Time gpt-4o" in table and "24 Nov $1.50" in table and "30 Nov –" in table


def test_an_empty_month_says_so(client_of: ClientOf, alice: User) -> None:
    assert "No calls in this month" in text_of(client_of(alice))


def test_a_projection_keeps_weekends_apart() -> None:
    monday = datetime(2026, 11, 2, tzinfo=UTC)
    past = {monday + timedelta(days=n): Decimal(2 if n % 7 >= 5 else 10) for n in range(14)}
    days = projected_days(past, today=monday + timedelta(days=14), until=monday + timedelta(days=21))
    assert list(days.values()) == [10, 10, 10, 10, 10, 2, 2]
    assert projected_days(dict(list(past.items())[:2]), today=monday, until=monday + timedelta(days=1)) == {}


def test_it_projects_the_end_of_the_month(client_of: ClientOf, alice: User) -> None:
    for days in range(1, 20):
        call(alice, days_ago=days, cost="10")
    roll_up(now=NOW)
    assert "Projected month end $240" in text_of(client_of(alice))


def test_a_budget_is_set_changed_and_removed_by_administrators_alone(
    client_of: ClientOf, admin: User, alice: User, team: Team
) -> None:
    client, path = client_of(admin), reverse("telemetry:budget-edit")
    for value, action in (
        ("10", TelemetryAction.BUDGET_SET),
        ("20.50", TelemetryAction.BUDGET_SET),
        ("", TelemetryAction.BUDGET_DELETE),
    ):
        client.post(path, {"monthly_usd": value})
        assert AuditEvent.objects.latest("sequence").action == action
        assert [str(budget.monthly_usd) for budget in Budget.objects.all()] == (
            [f"{Decimal(value):.2f}"] if value else []
        )
    client.post(f"{path}?team={team.pk}", {"monthly_usd": "5"})
    assert Budget.objects.get().team == team
    assert client.post(path, {"monthly_usd": "-1"}).status_code == 422
    assert client_of(alice).post(path, {"monthly_usd": "1"}).status_code == 403


def test_what_was_spent_stands_beside_the_budget(client_of: ClientOf, admin: User) -> None:
    Budget.objects.create(monthly_usd=2)
    call(admin)
    page = client_of(admin).get(reverse("telemetry:costs"), {"whose": "everyone"}).content.decode()
    assert "spent of $2.00" in page and "75% of the budget spent" in page
    call(admin)
    assert "Over budget (150%)." in text_of(client_of(admin), whose="everyone")
