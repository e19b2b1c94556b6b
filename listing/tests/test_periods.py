"""The periods of a table are those that Django finds, with one question for each."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import models
from django.utils import timezone

from accounts.models import User
from listing.periods import PeriodsByIndex

MOMENTS = (
    datetime(2023, 12, 31, 23, 30, tzinfo=UTC),
    datetime(2024, 2, 29, 12, tzinfo=UTC),
    datetime(2024, 2, 29, 13, tzinfo=UTC),
    datetime(2024, 10, 27, 0, 30, tzinfo=UTC),
    datetime(2024, 10, 27, 1, 30, tzinfo=UTC),
    datetime(2026, 1, 1, tzinfo=UTC),
)
Queries = Callable[..., AbstractContextManager[Any]]


@pytest.fixture
def people(db: None) -> PeriodsByIndex[User]:
    for number, moment in enumerate(MOMENTS):
        user = User.objects.create(email=f"{number}@example.org")
        User.objects.filter(pk=user.pk).update(date_joined=moment)
    return PeriodsByIndex(User)


@pytest.mark.parametrize("kind", ["year", "month", "day"])
@pytest.mark.parametrize("order", ["ASC", "DESC"])
@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/St_Johns"])
def test_it_finds_what_django_finds(people: PeriodsByIndex[User], kind: Any, order: Any, zone: str) -> None:
    with timezone.override(ZoneInfo(zone)):
        expected: list[datetime] = list(models.QuerySet.datetimes(User.objects.all(), "date_joined", kind, order))
        assert expected
        assert list(people.datetimes("date_joined", kind, order)) == expected


def test_it_keeps_the_filters(people: PeriodsByIndex[User]) -> None:
    found = people.filter(email__startswith="1").datetimes("date_joined", "day")
    assert found == [datetime(2024, 2, 29, tzinfo=UTC)]


def test_it_asks_once_for_each_period(people: PeriodsByIndex[User], django_assert_num_queries: Queries) -> None:
    with django_assert_num_queries(4):
        assert len(people.datetimes("date_joined", "year")) == 3


def test_it_finds_nothing_where_nothing_is(db: None) -> None:
    assert PeriodsByIndex(User).datetimes("date_joined", "day") == []
