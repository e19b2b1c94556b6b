"""Filters, of people."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from django import forms
from django.http import QueryDict
from django.utils import timezone

from accounts.models import Role, User
from listing.forms import PeriodFilter, SearchFilter, UserField


class PeopleFilter(SearchFilter, PeriodFilter):
    searched = ("name", "email")
    time_column = "date_joined"
    lookups = {"role": "role", "state": "is_active", "user": "audit_id"}

    role = forms.ChoiceField(required=False, choices=[("", "Any"), *Role.choices])
    state = forms.TypedChoiceField(
        required=False, choices=[("", "Any"), ("on", "Active"), ("off", "Gone")], coerce=lambda value: value == "on"
    )
    user = UserField()


def found(query: str) -> set[str]:
    return {user.email.split("@")[0] for user in PeopleFilter(QueryDict(query)).narrow(User.objects.all())}


@pytest.fixture(autouse=True)
def people(alice: User, bob: User, admin: User) -> None:
    User.objects.filter(pk=bob.pk).update(is_active=False, date_joined=datetime(2026, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", {"alice", "bob", "admin"}),
        ("q=&role=&state=&user=&range=&start=&end=&other=1", {"alice", "bob", "admin"}),
        ("q=+EXAMPLE++ali+", {"alice"}),
        ("q=ali+bob", set()),
        ("q=%25", set()),
        ("role=administrator", {"admin"}),
        ("state=off", {"bob"}),
        ("state=on&role=engineer", {"alice"}),
        ("user=Bob@example.org", {"bob"}),
        ("range=1h", {"alice", "admin"}),
        ("range=1h&q=ali", {"alice"}),
        ("end=2026-01-02T00:00", {"bob"}),
        ("start=2026-01-02T00:00&range=30d", {"alice", "admin"}),
    ],
)
def test_it_lists_what_all_filters_leave(query: str, expected: set[str]) -> None:
    assert found(query) == expected


def test_it_finds_a_user_by_audit_id_also_an_erased_one(alice: User) -> None:
    assert found(f"user={alice.audit_id}") == {"alice"}
    assert found(f"user={uuid4()}") == set()


def test_it_takes_times_as_local(alice: User) -> None:
    with timezone.override(ZoneInfo("Asia/Tokyo")):
        assert "bob" in found("start=2026-01-01T09:00")
        assert "bob" not in found("start=2026-01-01T09:01")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("q", "x" * 201),
        ("role", "king"),
        ("user", "nobody@example.org"),
        ("user", "99999999999999999999"),
        ("user", "x" * 255),
        ("range", "1y"),
        ("start", "yesterday"),
        ("start", "0001-01-01T00:00"),
        ("end", "9999-12-31T23:59"),
    ],
)
def test_it_lists_nothing_for_a_filter_it_cannot_read_and_keeps_them_all(field: str, value: str) -> None:
    query = QueryDict(mutable=True)
    query.update({"state": "on", field: value})
    form = PeopleFilter(query)
    assert not form.narrow(User.objects.all()).exists()
    assert list(form.errors) == [field]
    assert {(chip.value, chip.query.partition("=")[0]) for chip in form.chips()} == {
        ("Active", f"?{field}"),
        (value, "?state"),
    }


def test_it_shows_each_filter_in_words_with_a_link_to_the_list_without_it() -> None:
    form = PeopleFilter(QueryDict("q=+ali+&role=engineer&range=24h&start=2026-02-03T04:05&older=7&end="))
    assert [tuple(chip) for chip in form.chips()] == [
        ("Search", "ali", "?role=engineer&range=24h&start=2026-02-03T04%3A05"),
        ("Role", "Engineer", "?q=+ali+&range=24h&start=2026-02-03T04%3A05"),
        ("Time", "Last 24 hours", "?q=+ali+&role=engineer&start=2026-02-03T04%3A05"),
        ("From", "03 Feb 2026 04:05", "?q=+ali+&role=engineer&range=24h"),
    ]
    assert form.query == "?q=+ali+&role=engineer&range=24h&start=2026-02-03T04%3A05"


@pytest.mark.parametrize("query", ["", "q=+++&role=&range=", "older=7", "unknown=1"])
def test_it_shows_no_filter_where_none_is_given(query: str) -> None:
    assert PeopleFilter(QueryDict(query)).chips() == []


def test_it_asks_for_the_period_last() -> None:
    assert list(PeopleFilter(QueryDict()).fields) == ["q", "role", "state", "user", "range", "start", "end"]
