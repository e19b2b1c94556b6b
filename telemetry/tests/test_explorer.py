"""What the list of calls finds, sorts, sums up and tells of new calls."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import User
from telemetry.context import SentMessage
from telemetry.dashboard import numbers
from telemetry.explorer import pages, scan
from telemetry.explorer.columns import DEFAULT
from telemetry.models import Generation, Score, Status
from telemetry.pricing import TokenCounts
from telemetry.ratings import rate_call
from telemetry.rollups.keeping import roll_up

LIST = "/telemetry/"
ClientOf = Callable[[User], Client]
Make = Callable[..., Generation]


def shown(response: Any) -> list[UUID]:
    return [call.pk for call in response.context["page"].rows]


@pytest.fixture
def wanted(start: Make, finish: Make, alice: User) -> Generation:
    """A call that differs from another one in all that can be asked for."""
    finish(start(user=alice, model="llama-3"), tokens=TokenCounts(input=1), reported_cost_usd="0.01")
    call = finish(
        start(
            user=alice,
            model="gpt-5-mini",
            tags=["production"],
            end_user="customer 7",
            session_id="session 7",
            base_url="https://models.example.org/v1",
            sent=[SentMessage("system", "Be brief."), SentMessage("user", "Where is my Parcel?")],
        ),
        status=Status.FAILED,
        text="At the depot",
        error_type="rate_limited",
        tokens=TokenCounts(input=1000),
        reported_cost_usd="0.5",
    )
    rate_call(call=call, user=alice, value=Score.Value.BAD, note="")
    Generation.objects.filter(pk=call.pk).update(ended_at=call.started_at + timedelta(seconds=30))
    return call


@pytest.mark.parametrize(
    "query",
    [
        {"model": "gpt-5*"},
        {"model": "gpt-5-mini"},
        {"tag": "production"},
        {"error": "rate_limited"},
        {"rating": "bad"},
        {"endpoint": "https://models.example.org/v1"},
        {"end_user": "customer 7"},
        {"session": "session 7"},
        {"min_seconds": "29.5"},
        {"min_seconds": "30", "max_seconds": "30"},
        {"min_cost": "0.5", "max_cost": "0.5"},
        {"min_tokens": "1000"},
        {"q": "parcel"},
        {"q": "DEPOT"},
        {"q": "parcel depot"},
    ],
)
def test_it_finds_calls(wanted: Generation, alice: User, client_of: ClientOf, query: dict[str, str]) -> None:
    assert shown(client_of(alice).get(LIST, query)) == [wanted.pk]


@pytest.mark.parametrize("query", [{"model": "gpt-5"}, {"max_tokens": "0"}, {"rating": "good"}, {"q": "parcel plane"}])
def test_it_finds_nothing_that_differs(
    wanted: Generation, alice: User, client_of: ClientOf, query: dict[str, str]
) -> None:
    assert shown(client_of(alice).get(LIST, query)) == []


def test_it_searches_own_words_only(wanted: Generation, admin: User, client_of: ClientOf) -> None:
    assert shown(client_of(admin).get(LIST, {"q": "parcel"})) == []


def test_a_search_without_an_index_ends_in_time_and_goes_on_where_it_ended(
    start: Make, alice: User, client_of: ClientOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scan, "FIRST", 2)
    monkeypatch.setattr(scan, "LARGEST", 2)
    monkeypatch.setattr(scan, "BOX_SECONDS", 0)
    old = [start(user=alice, tags=["wanted"]) for _ in range(2)]
    for _ in range(3):
        start(user=alice)
    client = client_of(alice)
    first = client.get(LIST, {"tag": "wanted"})
    assert shown(first) == [] and first.context["found"].scan.read == 2
    assert "Continue searching older calls" in first.content.decode()
    second = client.get(LIST + first.context["found"].scan.continues)
    assert shown(second) == [old[1].pk]
    third = client.get(LIST + second.context["found"].scan.continues)
    assert shown(third) == [old[0].pk] and third.context["found"].scan is None


@pytest.mark.parametrize(("sort", "cents"), [("-cost", [3, 2, 1, None]), ("cost", [1, 2, 3, None])])
def test_it_sorts_by_value_page_by_page_and_puts_last_what_is_not_known(
    start: Make, alice: User, client_of: ClientOf, monkeypatch: pytest.MonkeyPatch, sort: str, cents: list[int | None]
) -> None:
    monkeypatch.setattr(pages, "PAGE_SIZE", 2)
    for cost in (2, None, 3, 1):
        Generation.objects.filter(pk=start(user=alice).pk).update(cost_usd=cost and cost / 100)
    client = client_of(alice)
    first = client.get(LIST, {"sort": sort})
    second = client.get(LIST + first.context["page"].older)
    rows = [*first.context["page"].rows, *second.context["page"].rows]
    assert [row.cost_usd and int(row.cost_usd * 100) for row in rows] == cents


def test_it_says_among_how_many_calls_it_sorts(
    start: Make, alice: User, client_of: ClientOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "SORTED", 2)
    calls = [start(user=alice, model=name) for name in "abc"]
    response = client_of(alice).get(LIST, {"sort": "model"})
    assert shown(response) == [calls[1].pk, calls[2].pk]
    assert response.context["found"].sorted_since == calls[1].started_at


def test_it_shows_the_oldest_first(start: Make, alice: User, client_of: ClientOf) -> None:
    calls = [start(user=alice) for _ in range(3)]
    assert shown(client_of(alice).get(LIST, {"sort": "started"})) == [call.pk for call in calls]


def test_it_shows_the_chosen_columns(start: Make, alice: User, client_of: ClientOf) -> None:
    start(user=alice, tags=["production"])
    response = client_of(alice).get(LIST, {"col": ["tags", "model", "user"]})
    # Own calls are all that an engineer sees.
    assert [head.column.label for head in response.context["heads"]] == ["Model", "Tags"]
    assert ">production<" in response.content.decode()


def test_the_usual_columns_need_no_words_in_the_address(start: Make, alice: User, client_of: ClientOf) -> None:
    start(user=alice)
    usual = [key for key in DEFAULT if key != "user"]
    response = client_of(alice).get(LIST, {"col": usual, "status": "", "range": "1h"}, headers={"HX-Target": "list"})
    assert response["HX-Push-Url"] == f"{LIST}?range=1h"
    assert response.context["form"].columns == []


def test_it_shows_the_first_words_of_own_questions_only(
    start: Make, admin: User, alice: User, client_of: ClientOf
) -> None:
    start(user=alice, sent=[SentMessage("user", "Where is\n my parcel?")])
    start(user=admin, sent=[SentMessage("system", "Be brief."), SentMessage("user", "Which parcel?")])
    page = client_of(admin).get(LIST).content.decode()
    assert "Which parcel?" in page and "my parcel" not in page
    assert "Where is my parcel?" in client_of(alice).get(LIST).content.decode()


def test_it_tells_how_many_calls_have_come_and_no_more_than_that(
    start: Make, alice: User, bob: User, client_of: ClientOf
) -> None:
    start(user=alice, model="a")
    client = client_of(alice)
    after = client.get(LIST, {"model": "a"}).context["newest"]
    start(user=alice, model="a"), start(user=alice, model="b"), start(user=bob, model="a")
    page = client.get(f"{LIST}new/", {"model": "a", "after": after}).content.decode()
    assert "1 new call<" in page and 'href="/telemetry/?model=a"' in page
    assert "new call" not in client.get(f"{LIST}new/", {"after": "nonsense"}).content.decode()


@pytest.mark.parametrize("is_rolled_up", [False, True])
def test_it_sums_up_what_the_filters_leave(
    start: Make, finish: Make, alice: User, bob: User, client_of: ClientOf, is_rolled_up: bool
) -> None:
    finish(start(user=alice, model="gpt-4o", tags=["a"]), tokens=TokenCounts(input=10), reported_cost_usd="0.5")
    finish(start(user=alice, model="other"), status=Status.FAILED)
    finish(start(user=bob, model="gpt-4o", tags=["a"]))
    if is_rolled_up:
        roll_up(now=timezone.now() + timedelta(hours=1))
    client = client_of(alice)

    def summary(**query: str) -> Any:
        return client.get(f"{LIST}summary/", query).context["summary"]

    total = summary()
    assert (total.calls, total.failed, total.failed_share, total.cost, total.tokens) == (
        "2",
        "1",
        "50.0%",
        "$0.50",
        "10",
    )
    for query in ({"model": "gpt-4*", "range": "24h"}, {"tag": "a"}, {"min_cost": "0.1", "range": "1h"}):
        one = summary(**query)
        assert (one.calls, one.failed, one.samples, one.cost) == ("1", "0", "n = 1, too few for p95 and p99", "$0.50")


def test_the_summary_leads_to_the_calls_of_each_stretch(start: Make, alice: User, client_of: ClientOf) -> None:
    call = start(user=alice, model="a")
    client = client_of(alice)
    chart = client.get(f"{LIST}summary/", {"model": "a", "range": "1h"}).context["summary"].over_time
    href = str(chart).split('href="')[-1].split('"')[0].replace("&amp;", "&")
    assert "range" not in href and "model=a" in href
    assert shown(client.get(href)) == [call.pk]


def test_it_needs_no_script_for_the_summary(start: Make, alice: User, client_of: ClientOf) -> None:
    start(user=alice)
    assert client_of(alice).get(LIST, {"summary": "1"}).context["summary"].calls == "1"


def test_a_bar_of_durations_leads_to_its_calls(start: Make, finish: Make, alice: User, client_of: ClientOf) -> None:
    calls = [finish(start(user=alice, model="a")) for _ in range(3)]
    for call, seconds in zip(calls, (0.5, 0.51, 7), strict=True):
        Generation.objects.filter(pk=call.pk).update(ended_at=call.started_at + timedelta(seconds=seconds))
    client = client_of(alice)
    chart = client.get(f"{LIST}summary/", {"model": "a", "summary": "1"}).context["summary"].durations
    hrefs = [html.unescape(href) for href in re.findall(r'<a class="col" href="([^"]+)"', str(chart))]
    assert [len(shown(client.get(href))) for href in hrefs] == [2, 1]
    assert re.search(r"0\.\d+ to 0\.\d+ s: 2 calls", str(chart))


def test_percentiles_say_where_there_are_too_few_samples() -> None:
    assert numbers.percentiles({10: 9}) == [("p50", "0.00 s"), ("p90", "–"), ("p95", "–"), ("p99", "–")]
    assert [value for _, value in numbers.percentiles({80: 99, 90: 1})] == ["2.1 s", "2.1 s", "2.1 s", "2.1 s"]
    assert numbers.samples(25) == "n = 25, too few for p99"
    assert numbers.samples(0) == "n = 0"
