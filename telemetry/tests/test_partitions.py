"""Calls lie in partitions by month, and ranges of time read no others."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import User
from aistrale.tests.migrations import Migrate
from audit.models import AuditEvent
from telemetry import partitions, retention, time_ranges
from telemetry.call_ids import first_id, first_id_after, new_call_id
from telemetry.models import ContextMessage, Generation, GenerationContent
from telemetry.partitions import CALLS, CONTENT, CONTEXT

Make = Callable[..., Generation]
MOMENTS = st.datetimes(datetime(2000, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))


@pytest.fixture(autouse=True)
def _look_for_random_ids_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time_ranges, "ordered_after", time_ranges.ordered_after.__wrapped__)


def scanned(rows: Any) -> set[str]:
    """The partitions that PostgreSQL looks into."""
    plan = json.dumps(json.loads(rows.explain(format="json")))
    return set(re.findall(r'"(telemetry_generation_(?:default|\d{4}_\d{2}))"', plan))


def stored_in(call: Generation) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT tableoid::regclass::text FROM telemetry_generation WHERE id = %s", [call.pk])
        return str(cursor.fetchone()[0])


@given(MOMENTS, MOMENTS)
def test_ids_are_in_the_order_of_time(one: datetime, other: datetime) -> None:
    call = new_call_id(one)
    assert (call.version, call.variant) == (7, uuid4().variant)
    assert (first_id(other) <= call) >= (other <= one)
    assert (call < first_id_after(other)) >= (one < other)
    assert (call < new_call_id(other)) >= (one + timedelta(milliseconds=1) <= other)


def test_a_call_lies_in_its_month(start: Make, alice: User) -> None:
    call = start(user=alice)
    assert stored_in(call) == CALLS.name(call.started_at.date())
    assert call.pk.version == 7


def test_a_range_of_time_reads_its_months_only(db: None) -> None:
    now = timezone.now()
    month = now.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    rows = Generation.objects.between(month + timedelta(days=1), month + timedelta(days=2))
    assert scanned(rows) == {CALLS.name(month.date())}
    assert CALLS.name(partitions.month_after(month.date())) in scanned(Generation.objects.all())


def test_random_ids_are_found_by_time(start: Make, alice: User) -> None:
    call = start(user=alice)
    Generation.objects.filter(pk=call.pk).update(id=UUID(int=5))
    time_ranges.RandomIds.objects.create(last_started_at=call.started_at)
    moment = timedelta(milliseconds=1)
    assert Generation.objects.between(call.started_at, call.started_at + moment).count() == 1
    assert Generation.objects.between(None, call.started_at).count() == 0


def test_what_fits_nowhere_is_kept_and_counted(start: Make, alice: User) -> None:
    call = start(user=alice)
    assert partitions.calls_in_default() == 0
    long_ago = Generation(user=alice, provider="x", request_model="y", started_at=call.started_at - timedelta(days=400))
    long_ago.save()
    assert stored_in(long_ago) == "telemetry_generation_default"
    assert partitions.calls_in_default() == 1


def test_missing_partitions_are_known_and_made(db: None) -> None:
    today = timezone.now().date()
    last = CALLS.months()[-1]
    partitions.drop(CALLS, last)
    assert partitions.missing_months(today) == [CALLS.name(last)]
    assert partitions.make_ahead(today) == [CALLS.name(last)]
    assert partitions.make_ahead(today) == []


def test_calls_that_came_too_early_move_into_their_partition(alice: User) -> None:
    last = CALLS.months()[-1]
    partitions.drop(CALLS, last)
    moment = datetime(last.year, last.month, 15, tzinfo=UTC)
    call = Generation.objects.create(user=alice, provider="x", request_model="y", started_at=moment)
    assert stored_in(call) == "telemetry_generation_default"
    partitions.make_ahead(timezone.now().date())
    assert stored_in(call) == CALLS.name(last)


def test_old_content_is_dropped_by_the_month_and_calls_stay(
    start: Make, alice: User, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    call = start(user=alice)
    connection.check_constraints()
    month = call.started_at.date().replace(day=1)
    end = datetime.combine(partitions.month_after(month), datetime.min.time(), UTC)
    monkeypatch.setattr(timezone, "now", lambda: end + timedelta(days=settings.CONTENT_DAYS, seconds=-1))
    assert retention.drop_old_content() == []
    assert GenerationContent.objects.filter(pk=call.pk).exists()
    monkeypatch.setattr(timezone, "now", lambda: end + timedelta(days=settings.CONTENT_DAYS))
    assert retention.drop_old_content() == [month]
    assert month not in CONTENT.months() + CONTEXT.months()
    assert not GenerationContent.objects.exists() and not ContextMessage.objects.exists()
    assert Generation.objects.filter(pk=call.pk).exists()
    [entry] = AuditEvent.objects.filter(action="telemetry:content:drop")
    assert entry.after == {"month": f"{month:%Y-%m}", "kept_days": 90}


def test_content_from_before_partitions_is_deleted(alice: User, settings: Any) -> None:
    moment = timezone.now() - timedelta(days=settings.CONTENT_DAYS + 40)
    call = Generation.objects.create(user=alice, provider="x", request_model="y", started_at=moment)
    GenerationContent.objects.create(generation=call, period=moment.date().replace(day=1))
    retention.drop_old_content()
    assert not GenerationContent.objects.exists()
    assert AuditEvent.objects.get(action="telemetry:content:drop").after["calls"] == 1


def test_content_is_kept_for_ever_where_no_days_are_set(start: Make, alice: User, settings: Any) -> None:
    settings.CONTENT_DAYS = 0
    call = start(user=alice)
    assert retention.drop_old_content() == []
    assert GenerationContent.objects.filter(pk=call.pk).exists()


def test_stored_calls_keep_their_ids_and_are_found(start: Make, alice: User, migrate: Migrate) -> None:
    call = start(user=alice)
    sent = GenerationContent.objects.get(pk=call.pk).sent()
    migrate("telemetry", "0013_more_of_calls")
    random_id = uuid4()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE telemetry_generationcontent SET generation_id = %s", [random_id])
        cursor.execute("UPDATE telemetry_generation SET id = %s", [random_id])
    migrate()
    try:
        found = Generation.objects.between(call.started_at, call.started_at + timedelta(seconds=1)).get()
        assert found.pk == random_id and stored_in(found) == "telemetry_generation_default"
        assert found.content.sent() == sent
        later = Generation.objects.between(call.started_at + timedelta(seconds=1), call.started_at + timedelta(days=1))
        assert scanned(later) <= {CALLS.name(month) for month in CALLS.months()}
    finally:
        time_ranges.RandomIds.objects.all().delete()
