"""What sets of calls can tell."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import User
from telemetry.models import Generation, Status
from telemetry.pricing import TokenCounts

Make = Callable[..., Generation]
Queries = Callable[[int], AbstractContextManager[Any]]


def last(generation: Generation, *, seconds: float, first_token: float | None) -> None:
    """Make an ended call have taken so many seconds."""
    began = generation.started_at
    Generation.objects.filter(pk=generation.pk).update(
        ended_at=began + timedelta(seconds=seconds),
        first_token_at=None if first_token is None else began + timedelta(seconds=first_token),
    )


def test_it_shows_people_their_own_calls(start: Make, alice: User, charlie: User) -> None:
    own = start(user=alice)
    start(user=charlie)
    assert list(Generation.objects.visible_to(alice)) == [own]


def test_it_shows_administrators_all_calls(start: Make, alice: User, admin: User) -> None:
    start(user=alice)
    assert Generation.objects.visible_to(admin).count() == 1


def test_it_selects_a_span_of_time(start: Make, alice: User) -> None:
    began = start(user=alice).started_at
    minute = timedelta(minutes=1)

    def count(start: datetime, end: datetime) -> int:
        return Generation.objects.between(start, end).count()

    assert [count(began - minute, began), count(began, began + minute), count(began + minute, began + 2 * minute)] == [
        0,
        1,
        0,
    ]


def test_it_counts_by_status(start: Make, finish: Make, alice: User) -> None:
    start(user=alice)
    for status in (Status.SUCCEEDED, Status.SUCCEEDED, Status.FAILED, Status.STOPPED):
        finish(start(user=alice), status=status)
    summary = Generation.objects.visible_to(alice).summary()
    assert summary.counts == {
        Status.RUNNING: 1,
        Status.SUCCEEDED: 2,
        Status.FAILED: 1,
        Status.STOPPED: 1,
        Status.INTERRUPTED: 0,
    }
    assert summary.total == 5


def test_it_gives_percentiles_of_successes(start: Make, finish: Make, alice: User) -> None:
    for seconds in (1, 2, 3, 4, 5):
        last(finish(start(user=alice)), seconds=seconds, first_token=seconds / 10)
    last(finish(start(user=alice), status=Status.FAILED), seconds=3600, first_token=1800)
    summary = Generation.objects.summary()
    assert (summary.seconds_p50, summary.seconds_p95) == pytest.approx((3, 4.8))
    assert (summary.first_token_p50, summary.first_token_p95) == pytest.approx((0.3, 0.48))


def test_it_does_not_count_missing_first_tokens_as_fast(start: Make, finish: Make, alice: User) -> None:
    last(finish(start(user=alice)), seconds=2, first_token=1)
    last(finish(start(user=alice)), seconds=2, first_token=None)
    summary = Generation.objects.summary()
    assert (summary.first_token_samples, summary.first_token_p50) == (1, 1)


def test_it_keeps_priced_and_unpriced_apart(start: Make, finish: Make, alice: User) -> None:
    tokens = TokenCounts(input=1, output=1)
    finish(start(user=alice), tokens=tokens, reported_cost_usd="0.25")
    finish(start(user=alice), tokens=tokens, reported_cost_usd="0")
    finish(start(user=alice, model="nobody-knows-it"), tokens=tokens)
    finish(start(user=alice), status=Status.FAILED)
    start(user=alice)
    summary = Generation.objects.summary()
    assert (summary.cost_usd, summary.priced, summary.unpriced) == (Decimal("0.25"), 2, 1)


def test_it_sums_up_nothing(db: None) -> None:
    summary = Generation.objects.summary()
    assert (summary.total, summary.seconds_p50, summary.first_token_p95, summary.cost_usd) == (
        0,
        None,
        None,
        Decimal(0),
    )


def test_it_sums_up_in_one_query(
    alice: User, django_assert_num_queries: Callable[[int], AbstractContextManager[Any]]
) -> None:
    now = timezone.now()
    with django_assert_num_queries(1):
        Generation.objects.visible_to(alice).between(now - timedelta(days=1), now).summary()


def test_it_measures_speed_after_the_first_token(start: Make, finish: Make, alice: User) -> None:
    generation = finish(start(user=alice), tokens=TokenCounts(output=90, reasoning=10))
    last(generation, seconds=3, first_token=1)
    generation.refresh_from_db()
    assert generation.output_tokens_per_second == pytest.approx(50)


def test_it_has_no_speed_for_an_answer_in_one_piece(start: Make, finish: Make, alice: User) -> None:
    generation = finish(start(user=alice), tokens=TokenCounts(output=90))
    last(generation, seconds=3, first_token=3)
    generation.refresh_from_db()
    assert generation.output_tokens_per_second is None
