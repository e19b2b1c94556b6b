from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from telemetry.models import Generation, Status
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


def text_of(client: Client) -> str:
    page = client.get(reverse("dashboard")).content.decode()
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


def test_it_shows_the_figures_of_the_last_day(client_of: ClientOf, alice: User) -> None:
    run(alice)
    run(alice, status=Status.FAILED, cost="0.0001")
    text = text_of(client_of(alice))
    for figure in ("Runs 2 runs", "430 ms median", "Cost $0.25", "Failures 1 failed"):
        assert figure in text


def test_it_compares_with_the_day_before(client_of: ClientOf, alice: User) -> None:
    run(alice)
    run(alice, hours_ago=30)
    run(alice, hours_ago=31)
    assert "Runs 1 run 50 % less than the day before" in text_of(client_of(alice))


def test_it_counts_only_own_runs_even_for_administrators(client_of: ClientOf, admin: User, alice: User) -> None:
    run(alice)
    assert "Runs 0 runs" in text_of(client_of(admin))


def test_it_links_administrators_to_their_own_runs(client_of: ClientOf, admin: User) -> None:
    page = client_of(admin).get(reverse("dashboard")).content.decode()
    assert f"?range=24h&amp;user={admin.audit_id}" in page


def test_it_starts_with_no_step_done(client_of: ClientOf, alice: User) -> None:
    assert "0 of 4 done" in text_of(client_of(alice))


def test_it_ticks_off_a_token_that_works(client_of: ClientOf, alice: User) -> None:
    add_token(owner=alice, actor=alice, provider="openai", label="Work", secret="sk-0123456789abcdef", check=WORKING)
    assert "Add a provider token (done)" in text_of(client_of(alice))
    assert "Test it (done)" in text_of(client_of(alice))


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
    assert "Read its record (done)" in text_of(client)


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
