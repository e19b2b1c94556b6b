"""Whatever happens to calls, and whenever a job dies: the figures are those of a recount."""

from __future__ import annotations

import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from io import StringIO
from typing import Any
from uuid import UUID

import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import User
from telemetry import personal
from telemetry.models import Generation, Rollup, StaleHour, Status
from telemetry.rollups.coverage import Span, cover
from telemetry.rollups.histogram import bin_of, percentile
from telemetry.rollups.keeping import roll_up
from telemetry.rollups.reading import MOST_STALE, Figures, Reader

NOW = datetime(2026, 3, 3, 5, 40, tzinfo=UTC)
FIRST = datetime(2026, 2, 27, tzinfo=UTC)
WHOLE = Span(FIRST, NOW + timedelta(hours=1))
MINUTES = st.integers(0, int((NOW - FIRST) / timedelta(minutes=1)))
STEP = st.one_of(
    st.tuples(st.just("store"), MINUTES),
    st.tuples(st.just("finish"), st.integers(0, 20_000)),
    st.tuples(st.just("reprice"), st.integers(0, 5)),
    st.tuples(st.just("move"), MINUTES),
    st.tuples(st.just("delete"), st.just(0)),
    st.tuples(st.just("erase"), st.just(0)),
    st.tuples(st.just("roll up"), st.just(0)),
    st.tuples(st.just("kill"), st.integers(1, 12)),
)


class History:
    def __init__(self, users: list[User], seed: int) -> None:
        self.users, self.chance = users, random.Random(seed)

    def apply(self, step: str, value: int) -> None:
        getattr(self, step.replace(" ", "_"))(value)

    def any_call(self) -> Any:
        keys = list(Generation.objects.order_by("started_at", "id").values_list("pk", flat=True))
        return Generation.objects.filter(pk=self.chance.choice(keys)) if keys else Generation.objects.none()

    def store(self, minute: int) -> None:
        Generation.objects.create(
            user=self.chance.choice(self.users),
            provider=self.chance.choice(["openai", "mistral"]),
            request_model=self.chance.choice(["a", "b"]),
            token_id=self.chance.choice([None, UUID(int=1)]),
            started_at=FIRST + timedelta(minutes=minute),
        )

    def finish(self, milliseconds: int) -> None:
        for call in self.any_call():
            ended = call.started_at + timedelta(milliseconds=milliseconds)
            Generation.objects.filter(pk=call.pk).update(
                status=self.chance.choice([Status.SUCCEEDED, Status.FAILED]),
                ended_at=ended,
                first_token_at=self.chance.choice([None, call.started_at + (ended - call.started_at) / 2]),
                input_tokens=self.chance.choice([None, 7]),
                cost_usd=self.chance.choice([None, Decimal("0.25")]),
            )

    def reprice(self, cents: int) -> None:
        self.any_call().update(cost_usd=Decimal(cents) / 100)

    def move(self, minute: int) -> None:
        """To another time: no page does it, and the figures would follow all the same."""
        for call in self.any_call().filter(status=Status.RUNNING):
            call.delete()
            call.pk, call.started_at = None, FIRST + timedelta(minutes=minute)
            call.save(force_insert=True)

    def delete(self, _: int) -> None:
        self.any_call().delete()

    def erase(self, _: int) -> None:
        personal.erase(self.chance.choice(self.users), None)

    def roll_up(self, _: int) -> None:
        roll_up(now=NOW)

    def kill(self, statement: int) -> None:
        left = statement

        def die(execute: Any, *call: Any) -> Any:
            nonlocal left
            left -= 1
            if left == 0:
                raise DatabaseError
            return execute(*call)

        try:
            with connection.execute_wrapper(die):
                roll_up(now=NOW)
        except DatabaseError:
            assert left <= 0


def recount(calls: Any) -> Figures:
    figures = Figures()
    for call in calls:
        figures.by_status[call.status] += 1
        figures.cost_usd += call.cost_usd or 0
        figures.unpriced += call.is_unpriced
        figures.tokens["input_tokens"] += call.input_tokens or 0
        if call.status == Status.SUCCEEDED:
            figures.seconds[bin_of(call.seconds)] += 1
            if call.first_token_at:
                figures.first_token[bin_of(call.seconds_to_first_token)] += 1
    return figures


def recount_by(key: Any, calls: Any) -> dict[Any, Figures]:
    calls = list(calls)
    return {one: recount(call for call in calls if key(call) == one) for one in {key(call) for call in calls}}


def quarter_and_user(call: Generation) -> tuple[datetime, int | None]:
    quarter = timedelta(hours=6)
    return FIRST + (call.started_at - FIRST) // quarter * quarter, call.user_id


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(steps=st.lists(STEP, max_size=30), seed=st.integers(0, 1000))
def test_after_any_history_the_figures_are_those_of_a_recount(
    steps: list[tuple[str, int]], seed: int, alice: User, bob: User
) -> None:
    for rows in (Generation.objects, Rollup.objects, StaleHour.objects):
        rows.all().delete()
    history = History([alice, bob], seed)
    for step in steps:
        history.apply(*step)
    calls = Generation.objects.all()
    for at in (NOW, NOW + timedelta(hours=2)):
        reader = Reader(WHOLE, now=at)
        assert reader.total() == recount(calls)
        assert reader.by(["request_model"]) == recount_by(lambda call: (call.request_model,), calls)
        by_quarter = reader.by(["user_id"], every=timedelta(hours=6))
        assert by_quarter == recount_by(quarter_and_user, calls)
        part = Span(FIRST + timedelta(hours=3, minutes=7), NOW - timedelta(hours=30, minutes=1))
        assert Reader(part, now=at, users=[alice.pk]).total() == recount(
            calls.filter(user=alice, started_at__gte=part.start, started_at__lt=part.end)
        )
        roll_up(now=NOW + timedelta(hours=2))
    assert not StaleHour.objects.exists()
    for kind in ({"hours": hours, "by_caller": by_caller} for hours in (1, 24) for by_caller in (True, False)):
        assert sum(Rollup.objects.filter(**kind).values_list("calls", flat=True)) == calls.count()


def test_a_rebuild_mends_rollups_that_are_wrong(alice: User) -> None:
    Generation.objects.create(user=alice, provider="x", request_model="y", started_at=FIRST)
    roll_up(now=NOW)
    Rollup.objects.update(calls=17)
    assert Reader(WHOLE, now=NOW).total().calls == 17
    output = StringIO()
    call_command("rollup", rebuild=True, stdout=output)
    assert output.getvalue() == "Hours counted: 1.\n"
    assert Reader(WHOLE, now=NOW).total().calls == 1


def test_what_is_stored_while_hours_are_counted_is_counted_the_next_time(alice: User) -> None:
    Generation.objects.create(user=alice, provider="x", request_model="y", started_at=FIRST)
    stored = False

    def store(execute: Any, sql: str, *call: Any) -> Any:
        nonlocal stored
        result = execute(sql, *call)
        if "INSERT INTO telemetry_rollup" in sql and not stored:
            stored = True
            Generation.objects.create(user=alice, provider="x", request_model="y", started_at=FIRST)
        return result

    with connection.execute_wrapper(store):
        roll_up(now=NOW)
    assert Reader(WHOLE, now=NOW).total().calls == 2
    roll_up(now=NOW)
    assert Reader(WHOLE, now=NOW).total().calls == 2
    assert not StaleHour.objects.exists()


def test_pages_do_not_read_the_calls_of_more_than_so_many_hours(alice: User) -> None:
    hours = [NOW - timedelta(hours=number) for number in range(1, MOST_STALE + 9)]
    for start in hours:
        Generation.objects.create(user=alice, provider="x", request_model="y", started_at=start)
    whole = Span(hours[-1] - timedelta(hours=1), NOW)
    reader = Reader(whole, now=NOW)
    assert (reader.total().calls, reader.late) == (MOST_STALE, 8)
    roll_up(now=NOW)
    # Another change of them all, such as new prices: until they are counted, figures are as before.
    Generation.objects.update(cost_usd=1)
    reader = Reader(whole, now=NOW)
    assert (reader.total().calls, reader.late, reader.total().cost_usd) == (len(hours), 8, Decimal(MOST_STALE))
    roll_up(now=NOW)
    assert (Reader(whole, now=NOW).late, Reader(whole, now=NOW).total().cost_usd) == (0, Decimal(len(hours)))


def test_whole_days_and_hours_are_not_read_call_by_call() -> None:
    covered = cover(Span(FIRST - timedelta(minutes=5), NOW), stale=[FIRST + timedelta(hours=30)], now=NOW)
    day, hour = timedelta(days=1), timedelta(hours=1)
    assert covered.days == [Span(FIRST, FIRST + day), Span(FIRST + 2 * day, FIRST + 4 * day)]
    assert covered.hours == [
        Span(FIRST + day, FIRST + 30 * hour),
        Span(FIRST + 31 * hour, FIRST + 48 * hour),
        Span(FIRST + 4 * day, FIRST + 101 * hour),
    ]
    assert covered.calls == [
        Span(FIRST - timedelta(minutes=5), FIRST),
        Span(FIRST + 30 * hour, FIRST + 31 * hour),
        Span(FIRST + 101 * hour, NOW),
    ]


@given(st.lists(st.floats(0.001, 3600), min_size=1), st.sampled_from([0.5, 0.9, 0.95, 0.99]))
def test_a_percentile_is_off_by_five_percent_at_most(values: list[float], fraction: float) -> None:
    found = percentile(Counter(map(bin_of, values)), fraction)
    exact = sorted(values)[max(0, -(-int(fraction * 100) * len(values) // 100) - 1)]
    assert found == pytest.approx(exact, rel=0.05)
