"""Pages of rows, with people as the rows: they have text, times, flags and keys to be ordered by."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from uuid import UUID

import pytest
from django.db.models import QuerySet
from django.db.models.functions import Lower
from django.http import QueryDict
from django.test import Client
from django.urls import reverse

from accounts.models import Membership, Team, User
from listing.pages import Page, get_page, query_of

Queries = Callable[..., AbstractContextManager[Any]]
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
NAMES = ("", "A.B", "a%2Eb", "Zoë, z", "zoë", "ann~&=?/")
LISTS = ("telemetry:generation-list", "audit:event-list", "people:person-list", "accounts:team-list")

# Between two requests a second may pass.
_AGE = re.compile(rb"\d+ s ago")


def add(first: int, last: int) -> None:
    """People who share names and times, every three of them."""
    User.objects.bulk_create(
        User(
            email=f"p.{number:02}@example.org",
            name=NAMES[number // 3 % len(NAMES)],
            is_active=number % 2 == 0,
            date_joined=LONG_AGO + timedelta(microseconds=number // 3),
        )
        for number in range(first, last)
    )


@pytest.fixture
def people(db: None) -> QuerySet[User]:
    add(0, 23)
    return User.objects.annotate(key=Lower("name"))


def walk(
    rows: QuerySet[Any], by: Sequence[str], query: str, direction: Literal["older", "newer"]
) -> Iterator[Page[Any]]:
    page = get_page(rows, QueryDict(query), by=by, size=5)
    yield page
    while link := getattr(page, direction):
        page = get_page(rows, QueryDict(link[1:]), by=by, size=5)
        yield page


def ids(pages: Iterator[Page[Any]]) -> list[list[int]]:
    return [[row.pk for row in page.rows] for page in pages]


@pytest.mark.parametrize(
    "by",
    [["-id"], ["email"], ["-date_joined", "-id"], ["is_active", "-name", "email"], ["key", "-date_joined", "id"]],
    ids=",".join,
)
def test_it_pages_through_all_rows_and_back(people: QuerySet[User], by: list[str]) -> None:
    everything = list(people.order_by(*by).values_list("pk", flat=True))
    down = ids(walk(people, by, "", "older"))
    assert down == [everything[start : start + 5] for start in range(0, 23, 5)]
    *_, last = walk(people, by, "", "older")
    assert ids(walk(people, by, last.newer[1:], "newer")) == down[-2::-1]


def test_it_orders_by_columns_of_related_rows(people: QuerySet[User]) -> None:
    team = Team.objects.create(name="Research")
    Membership.objects.bulk_create(Membership(team=team, user=user) for user in people)
    by = ["user__name", "-user__email"]
    everything = list(team.memberships.order_by(*by).values_list("pk", flat=True))
    assert sum(ids(walk(team.memberships.select_related("user"), by, "", "older")), []) == everything


def test_it_neither_skips_nor_repeats_while_rows_come_and_go(people: QuerySet[User]) -> None:
    before = list(people.order_by("-date_joined", "-id"))
    seen: list[int] = []
    for number, page in enumerate(walk(people, ["-date_joined", "-id"], "", "older")):
        seen += [row.pk for row in page.rows]
        User.objects.filter(pk__in=seen).delete()
        add(100 + 10 * number, 105 + 10 * number)
    assert seen == [user.pk for user in before]


def test_it_begins_at_the_first_row_where_there_is_no_full_page_before(people: QuerySet[User]) -> None:
    second = get_page(people, QueryDict("older=p%252E04@example%252Eorg"), by=["email"], size=5)
    User.objects.filter(email="p.00@example.org").delete()
    page = get_page(people, QueryDict(second.newer[1:]), by=["email"], size=5)
    assert [user.email[2:4] for user in page.rows] == ["01", "02", "03", "04", "05"]
    assert page.newer == ""


def test_it_has_no_links_where_all_rows_fit(people: QuerySet[User]) -> None:
    assert get_page(people, QueryDict(), by=["id"], size=23) == Page(list(people.order_by("id")))


def test_it_asks_once_and_counts_nothing(people: QuerySet[User], django_assert_num_queries: Queries) -> None:
    with django_assert_num_queries(1) as queries:
        get_page(people, QueryDict(f"older={10**16}.7"), by=["-date_joined", "-id"])
    assert "count(" not in queries[0]["sql"].lower()


@pytest.mark.parametrize("direction", ["older", "newer"])
@pytest.mark.parametrize(
    "position", ["", "x", "1", "1.", ".1", "1.2.3", f"{10**30}.1", f"1.{UUID(int=1)}", "²", "9" * 5000 + ".1"]
)
def test_it_begins_at_the_first_row_for_a_position_it_cannot_read(
    people: QuerySet[User], direction: str, position: str
) -> None:
    query = QueryDict(mutable=True)
    query[direction] = position
    page = get_page(people, query, by=["-date_joined", "-id"], size=2)
    assert page.rows == list(people.order_by("-date_joined", "-id")[:2])


@pytest.mark.parametrize("key", [str(10**30), str(-(10**30)), "0"])
def test_it_bears_positions_beyond_all_rows(people: QuerySet[User], key: str) -> None:
    for direction in ("older", "newer"):
        assert get_page(people, QueryDict(f"{direction}={key}"), by=["-id"], size=5).rows


def test_a_query_keeps_filters_and_begins_anew() -> None:
    query = QueryDict("q=a+%26&role=&tag=1&tag=2&older=7&newer=8")
    assert query_of(query) == "?q=a+%26&tag=1&tag=2"
    assert query_of(query, without="tag", older="9") == "?q=a+%26&older=9"
    assert query_of(query, without="q") == "?tag=1&tag=2"
    assert query_of(QueryDict("q=a"), without="q") == ""


@pytest.mark.parametrize("name", LISTS)
def test_it_swaps_the_list_alone_and_every_link_works_without(
    admin: User, client_of: Callable[[User], Client], name: str
) -> None:
    Team.objects.create(name="Research")
    url, client = reverse(name), client_of(admin)
    page = client.get(url, {"q": "x", "status": "odd", "outcome": "odd"})
    part = client.get(url, {"q": "x", "status": "odd", "outcome": "odd"}, headers={"HX-Target": "list"})
    assert "HX-Target" in page["Vary"]
    assert (part.content.count(b'id="list"'), part.content.count(b"<main")) == (1, 0)
    assert _AGE.sub(b"", part.content).strip() in _AGE.sub(b"", page.content)
    assert f'href="{url}" hx-get="{url}">Clear filters' in part.content.decode()
