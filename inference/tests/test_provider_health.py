"""What the dashboard says of providers, from the calls of the last hour."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from telemetry.models import Generation, Status

ClientOf = Callable[[User], Client]
OK, BAD = Status.SUCCEEDED, Status.FAILED


def call(user: User, status: Status, *, minutes_ago: float, retry_after: float | None = None) -> None:
    start = timezone.now() - timedelta(minutes=minutes_ago)
    Generation.objects.create(
        user=user,
        provider="openai",
        request_model="gpt-4o",
        status=status,
        error_type="overloaded" if status == BAD else "",
        error_status=503 if status == BAD else None,
        attempts=[{"started_at": start.isoformat(), "seconds": 1, "retry_after": retry_after}],
        started_at=start,
        first_token_at=start + timedelta(milliseconds=500) if status == OK else None,
        ended_at=start + timedelta(seconds=1),
        heartbeat_at=start,
    )


@pytest.mark.parametrize(
    ("statuses", "word"),
    [
        ([OK, OK, OK], "Healthy"),
        ([OK] * 30 + [BAD], "Healthy"),
        ([OK, OK, BAD], "Degraded"),
        ([OK, BAD, OK], "Recovering"),
        ([BAD, BAD, BAD], "Failing"),
    ],
)
def test_it_tells_how_a_provider_does(client_of: ClientOf, alice: User, statuses: list[Status], word: str) -> None:
    for place, status in enumerate(statuses):
        call(alice, status, minutes_ago=40 - place)
    (health,) = client_of(alice).get(reverse("dashboard")).context["health"]
    assert health.word == word


def test_it_names_the_last_error_the_rate_and_the_next_try(client_of: ClientOf, alice: User) -> None:
    for minutes in (5, 2, 1):
        call(alice, BAD, minutes_ago=minutes, retry_after=600)
    client = client_of(alice)
    (health,) = client.get(reverse("dashboard")).context["health"]
    assert health.note.startswith("100.0% of 3 failed, 503 at ") and "next try " in health.note
    assert len(client.get(health.href).context["page"].rows) == 3


def test_a_provider_that_was_not_called_is_idle_and_others_calls_do_not_count(
    client_of: ClientOf, alice: User, bob: User
) -> None:
    call(alice, OK, minutes_ago=600)
    call(bob, BAD, minutes_ago=5)
    (health,) = client_of(alice).get(reverse("dashboard")).context["health"]
    assert (health.word, health.note) == ("Idle", "no calls in the last hour")
