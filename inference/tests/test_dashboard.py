from __future__ import annotations

import html
import re
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import Membership, Team, User
from telemetry.dashboard.tables import GROUPINGS
from telemetry.dashboard.window import RANGES
from telemetry.models import Generation, Status
from telemetry.rollups.keeping import roll_up
from tokens.checks import CheckResult, TokenState
from tokens.services import add_token

ClientOf = Callable[[User], Client]
WORKING = CheckResult(TokenState.WORKING, "", 12)


def run(user: User, *, hours_ago: float = 1, status: Status = Status.SUCCEEDED, cost: str = "0.25") -> Generation:
    start = timezone.now() - timedelta(hours=hours_ago)
    return Generation.objects.create(
        user=user,
        provider="openai",
        request_model="gpt-4o",
        status=status,
        started_at=start,
        first_token_at=start + timedelta(milliseconds=430),
        ended_at=start + timedelta(seconds=2),
        heartbeat_at=start,
        input_tokens=10,
        cost_usd=Decimal(cost),
    )


def text_of(client: Client, **query: str) -> str:
    page = client.get(reverse("dashboard"), query).content.decode()
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


def test_it_shows_the_figures_of_the_last_day(client_of: ClientOf, alice: User) -> None:
    run(alice)
    run(alice, status=Status.FAILED, cost="0.0001")
    text = text_of(client_of(alice))
    for figure in ("Calls 2 ", "Failed 1 50.0% of calls", "Duration 2.0 s p50", "Cost $0.25 20 tokens"):
        assert figure in text


def test_it_compares_with_the_period_before(client_of: ClientOf, alice: User) -> None:
    run(alice)
    run(alice, hours_ago=30)
    run(alice, hours_ago=31)
    assert "Calls 1 ↓ down 50% from 2" in text_of(client_of(alice))


def test_it_counts_only_own_calls_until_an_administrator_asks_for_more(
    client_of: ClientOf, admin: User, alice: User, bob: User, team: Team
) -> None:
    Membership.objects.create(team=team, user=admin)
    for user in (admin, alice, bob, User.objects.create_user(email="dora@example.org", password="x")):
        run(user)
    client = client_of(admin)
    assert "Calls 1 " in text_of(client)
    assert "Calls 3 " in text_of(client, whose="team")
    assert "Calls 4 " in text_of(client, whose="everyone")
    assert "Calls 1 " in text_of(client_of(alice), whose="everyone")


@pytest.mark.parametrize("key", [*RANGES, "custom"])
@pytest.mark.parametrize("by", GROUPINGS)
def test_every_figure_leads_to_as_many_calls(client_of: ClientOf, alice: User, key: str, by: str) -> None:
    for hours in (0.1, 0.5, 2, 20, 30, 24 * 6, 24 * 25, 24 * 80):
        run(alice, hours_ago=hours)
        run(alice, hours_ago=hours, status=Status.FAILED)
    now = timezone.now()
    roll_up(now=now)
    times = {"start": f"{now - timedelta(days=3):%Y-%m-%dT%H:%M}", "end": f"{now:%Y-%m-%dT%H:%M}"}
    client = client_of(alice)
    page = client.get(reverse("dashboard"), {"range": key, "by": by, **times}).content.decode()
    seen = 0
    for href, shown in re.findall(r'<a class="kpi" href="([^"]+)".*?class="figure">([\d,]+)</span>', page, re.S)[:2]:
        assert len(client.get(html.unescape(href)).context["page"].rows) == int(shown)
        seen += 1
    for href, shown in re.findall(
        r'class="row-link" href="([^"]+)".*?data-label="Calls">.*?<span>(\d+)</span>', page, re.S
    ):
        assert len(client.get(html.unescape(href)).context["page"].rows) == int(shown)
        seen += 1
    assert seen >= 3


def test_its_charts_have_the_same_numbers_as_tables(client_of: ClientOf, alice: User) -> None:
    run(alice)
    as_chart, as_table = text_of(client_of(alice)), text_of(client_of(alice), show="table")
    assert "Succeeded 1" in as_chart
    assert "p50 p90 p95 p99 n" in as_table and "– – – – 1" in as_table
    assert "n = 1, too few for p95 and p99" in as_chart


def test_it_lists_the_last_failures(client_of: ClientOf, alice: User) -> None:
    call = run(alice, status=Status.FAILED)
    page = client_of(alice).get(reverse("dashboard"))
    assert list(page.context["failures"]) == [call]


def test_an_address_that_makes_no_sense_shows_the_last_day(client_of: ClientOf, alice: User) -> None:
    for query in ("range=x", "range=custom", "range=custom&start=x&end=2026-01-01", "whose=x&by=x"):
        page = client_of(alice).get(f"{reverse('dashboard')}?{query}")
        assert page.context["board"].window.every == timedelta(hours=1)


def test_it_starts_with_no_step_done(client_of: ClientOf, alice: User) -> None:
    assert "0 of 4 done" in text_of(client_of(alice))


def test_it_ticks_off_a_token_that_works(client_of: ClientOf, alice: User) -> None:
    add_token(owner=alice, actor=alice, provider="openai", label="Work", secret="sk-0123456789abcdef", check=WORKING)
    assert "Add a provider key (done)" in text_of(client_of(alice))
    assert "Test the key (done)" in text_of(client_of(alice))


def test_it_does_not_take_an_untested_token_for_a_tested_one(client_of: ClientOf, alice: User) -> None:
    add_token(owner=alice, actor=alice, provider="openai", label="Work", secret="sk-0123456789abcdef")
    assert "1 of 4 done" in text_of(client_of(alice))


def test_it_ticks_off_a_run_and_links_to_its_record(client_of: ClientOf, alice: User) -> None:
    generation = run(alice)
    page = client_of(alice).get(reverse("dashboard")).content.decode()
    assert generation.get_absolute_url() in page
    assert "1 of 4 done" in page


def test_it_ticks_off_a_record_that_was_read(client_of: ClientOf, alice: User) -> None:
    client = client_of(alice)
    client.get(run(alice).get_absolute_url())
    assert "View call details (done)" in text_of(client)


def test_it_ends_the_checklist_when_all_is_done(client_of: ClientOf, alice: User) -> None:
    add_token(owner=alice, actor=alice, provider="openai", label="Work", secret="sk-0123456789abcdef", check=WORKING)
    client = client_of(alice)
    client.get(run(alice).get_absolute_url())
    assert "irst steps" not in text_of(client)


def test_it_hides_the_checklist_and_brings_it_back(client_of: ClientOf, alice: User) -> None:
    client = client_of(alice)
    client.post(reverse("accounts:checklist"))
    assert "of 4 done" not in text_of(client)
    client.post(reverse("accounts:checklist"), {"shown": "on"})
    assert "of 4 done" in text_of(client)


def test_it_does_not_take_unpriced_runs_for_free_ones(client_of: ClientOf, alice: User) -> None:
    Generation.objects.filter(pk=run(alice).pk).update(cost_usd=None)
    assert "Cost unpriced" in text_of(client_of(alice))
    run(alice)
    assert "Cost $0.25" in text_of(client_of(alice))
