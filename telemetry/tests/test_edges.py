"""Clocks that are wrong, addresses that make no sense, names that nobody expects, and what is gone meanwhile."""

from __future__ import annotations

import csv
import html
import io
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, cast
from uuid import UUID, uuid4

import pytest
from arro3.io import read_parquet
from asgiref.sync import async_to_sync
from django.db import DatabaseError, connection
from django.http import StreamingHttpResponse
from django.test import AsyncClient, Client
from django.utils import timezone

from accounts.models import User
from accounts.sharing import PRIVATE
from telemetry import personal
from telemetry.dashboard.window import RANGES, custom_window, window_of
from telemetry.explorer.services import save_view
from telemetry.exports import stream
from telemetry.models import Generation, PriceOverride, Rollup, StaleHour, Status
from telemetry.pricing import TokenCounts
from telemetry.rollups.coverage import Span
from telemetry.rollups.keeping import roll_up
from telemetry.rollups.reading import Reader

ClientOf = Callable[[User], Client]
Make = Callable[..., Generation]
LIST = "/telemetry/"
HOSTILE = [
    '"quoted", model',
    "O'Reilly; DROP TABLE x;--",
    "😀👩‍👩‍👧",
    "نموذج-عربي",
    "\u202eltr\u2066",
    "x" * 200,
    "<b>&amp;",
    "{0} %s %(x)s",
    "gpt-5*",
]


def call_at(user: User | None, started_at: datetime, *, model: str = "gpt-5", **values: Any) -> Generation:
    ended = {"status": Status.SUCCEEDED, "ended_at": started_at + timedelta(seconds=2), "cost_usd": Decimal(1)}
    plain = {"provider": "openai", "request_model": model, "heartbeat_at": started_at, "input_tokens": 5, **ended}
    return Generation.objects.create(user=user, started_at=started_at, **plain | values)


def shown(response: Any) -> list[UUID]:
    return [call.pk for call in response.context["page"].rows]


# Clocks


def test_a_call_from_the_future_is_kept_listed_and_counted_when_its_time_has_come(
    alice: User, client_of: ClientOf
) -> None:
    now = timezone.now()
    call = call_at(alice, now + timedelta(days=400))
    client = client_of(alice)
    assert shown(client.get(LIST)) == [call.pk]
    assert client.get(call.get_absolute_url()).status_code == 200
    for path in ("/", "/telemetry/costs/", f"{LIST}summary/"):
        assert client.get(path).status_code == 200
    roll_up(now=now)
    assert not Rollup.objects.exists() and StaleHour.objects.exists()
    roll_up(now=now + timedelta(days=401))
    assert Rollup.objects.filter(hours=24, by_caller=False).get().calls == 1


def test_a_call_whose_clock_went_back_takes_no_negative_time(
    start: Make, finish: Make, alice: User, client_of: ClientOf
) -> None:
    call = start(user=alice)
    earlier = call.started_at - timedelta(minutes=5)
    finish(call, text="x", first_token_at=earlier, attempts=[{"started_at": earlier.isoformat(), "seconds": 1.0}])
    call.refresh_from_db()
    assert call.ended_at is not None and call.ended_at >= call.started_at
    client = client_of(alice)
    for path in (call.get_absolute_url(), LIST, f"{LIST}?sort=first_token", "/", f"{LIST}summary/"):
        assert client.get(path).status_code == 200
    roll_up(now=timezone.now() + timedelta(hours=2))
    span = Span(call.started_at - timedelta(hours=1), call.started_at + timedelta(hours=1))
    figures = Reader(span, now=timezone.now() + timedelta(hours=2)).total()
    assert sum(figures.seconds.values()) == sum(figures.first_token.values()) == 1


@pytest.mark.parametrize("day", ["2026-03-29", "2026-10-25"])
def test_a_day_on_which_clocks_change_has_all_its_calls(day: str, alice: User, client_of: ClientOf) -> None:
    """In Berlin it has 23 hours, or 25, of which two are called the same."""
    User.objects.filter(pk=alice.pk).update(time_zone="Europe/Berlin")
    alice.refresh_from_db()
    first = datetime.fromisoformat(f"{day}T00:00:00+00:00") - timedelta(hours=3)
    calls = [call_at(alice, first + timedelta(minutes=30 * number)) for number in range(60)]
    roll_up(now=timezone.now())
    client = client_of(alice)
    query = {"range": "custom", "start": f"{day}T00:00", "end": f"{day}T23:59"}
    board = client.get("/", query).context["board"]
    listed = client.get(LIST, {"start": query["start"], "end": query["end"]})
    assert board.total.calls == len(shown(listed)) == (46 if day == "2026-03-29" else 50)
    # Each column leads to its own calls, also those of the hour that comes twice.
    hrefs = [html.unescape(href) for href in re.findall(r'class="col" href="([^"]+)"', board.charts()[0].svg)]
    assert len(hrefs) == len(board.window.starts()) and len(calls) == 60


def test_a_quarter_of_an_hour_without_calls_says_so(alice: User, client_of: ClientOf) -> None:
    call_at(alice, timezone.now() - timedelta(hours=2))
    page = client_of(alice).get("/", {"range": "15m"}).content.decode()
    assert "No data" in page and "No calls in this time range." in page and "No failed calls" in page
    table = client_of(alice).get("/", {"range": "15m", "show": "table"}).content.decode()
    assert "n = 0" in table and ">0 s<" not in table


@pytest.mark.parametrize("key", list(RANGES))
def test_a_range_is_parted_without_gaps(key: str) -> None:
    now = datetime(2026, 3, 29, 1, 30, 17, tzinfo=UTC)
    for window in (window_of(key, now), custom_window(now - timedelta(days=3, minutes=7), now)):
        starts = window.starts()
        assert starts[0] == window.span.start and starts[-1] < window.span.end <= starts[-1] + window.every


# What is gone


def test_calls_of_deleted_users_stay_in_figures_lists_and_exports(
    alice: User, admin: User, client_of: ClientOf
) -> None:
    call = call_at(alice, timezone.now() - timedelta(minutes=5), token_id=uuid4(), token_label="Mine")
    roll_up(now=timezone.now())
    personal.erase(alice, None)
    alice.delete()
    client = client_of(admin)
    for by in ("user", "key", "prompt", "model"):
        assert client.get("/", {"whose": "everyone", "by": by}).context["board"].total.calls == 1
        assert client.get("/telemetry/costs/", {"whose": "everyone", "by": by}).status_code == 200
    page = client.get(LIST)
    assert shown(page) == [call.pk] and "Deleted user" in page.content.decode()
    assert client.get(call.get_absolute_url()).status_code == 200


def test_a_saved_view_whose_filters_name_what_is_gone_finds_nothing_or_says_what_it_cannot_read(
    alice: User, admin: User, client_of: ClientOf
) -> None:
    call_at(admin, timezone.now())
    query = f"?user={uuid4()}&prompt=gone&version=3&key={uuid4()}&provider=gone&model=gone&error=gone&sort=gone"
    view = save_view(owner=admin, name="Old", query=query, audience=PRIVATE)
    page = client_of(admin).get(LIST + view.query)
    assert page.status_code == 200 and shown(page) == []
    assert "Select a valid choice. gone is not one of the available choices." in page.content.decode()
    page = client_of(admin).get(LIST + view.query.replace("&sort=gone", ""))
    assert "No calls match these filters" in page.content.decode()


def test_a_price_that_ended_in_the_middle_of_a_month_holds_until_then(start: Make, finish: Make, alice: User) -> None:
    end = timezone.now()
    prices = dict.fromkeys(("input_price", "cache_read_price", "cache_write_price", "output_price"), 7)
    span = {"valid_from": end - timedelta(days=9), "valid_until": end - timedelta(days=4)}
    PriceOverride.objects.create(provider="openai", model="gpt-4o", **span, **prices)
    used = TokenCounts(input=1_000_000)
    costs = []
    for days in (10, 5, 1):
        call = start(user=alice, model="gpt-4o")
        Generation.objects.filter(pk=call.pk).update(started_at=end - timedelta(days=days))
        costs.append(finish(call, tokens=used).cost_usd)
    assert costs == [Decimal("2.5"), 7, Decimal("2.5")]


def test_rollups_that_are_killed_between_hours_and_days_are_done_the_next_time(alice: User) -> None:
    now = datetime(2026, 3, 3, 5, 40, tzinfo=UTC)
    for hours in range(1, 60, 5):
        call_at(alice, now - timedelta(hours=hours))
    whole = Span(now - timedelta(days=4), now)
    for killed_at in (3, 9, 27):
        left = killed_at

        def die(execute: Any, *call: Any) -> Any:
            nonlocal left
            left -= 1
            if left == 0:
                raise DatabaseError
            return execute(*call)

        with pytest.raises(DatabaseError), connection.execute_wrapper(die):
            roll_up(now=now)
        assert Reader(whole, now=now).total().calls == 12
    roll_up(now=now)
    assert not StaleHour.objects.exists() and Reader(whole, now=now).total().calls == 12


# Addresses


@pytest.mark.parametrize(
    "query",
    [
        "min_cost=NaN",
        "min_cost=1e400",
        "max_cost=-1",
        "min_cost=Infinity",
        "min_seconds=1e-400",
        "max_seconds=99999999999",
        "min_tokens=1.5",
        "min_tokens=9e99",
        "version=99999999999999999999",
        "version=%00",
        "start=2026-13-45",
        "start=9999-12-31T23:59",
        "start=0001-01-01T00:00",
        "key=not-a-uuid",
        "user=nobody",
        "range=1y",
        "status=gone",
        "sort=-",
        "col=x",
        "whose=all",
        "model=" + "x" * 201,
        "q=" + "x" * 500,
        "provider=%00",
        "tag=%00",
        "error=%ff",
    ],
)
def test_a_filter_that_makes_no_sense_is_named_and_breaks_nothing(
    query: str, alice: User, admin: User, client_of: ClientOf
) -> None:
    call_at(alice, timezone.now())
    for user in (alice, admin):
        client = client_of(user)
        for path in (LIST, f"{LIST}summary/", f"{LIST}new/", "/", "/telemetry/costs/"):
            assert client.get(f"{path}?{query}").status_code in (200, 400)
        assert client.get(f"{LIST}export.csv?{query}").status_code in (200, 400)


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("start=2026-11-02T00:00&end=2026-11-01T00:00", 0),
        ("status=failed&status=succeeded", 1),
        ("model=a&model=gpt-5", 1),
        ("min_cost=5&max_cost=1", 0),
        ("status=&status=", 1),
        ("unknown=1&%5Bx%5D=1", 1),
    ],
)
def test_filters_that_exclude_each_other_or_are_repeated(
    query: str, count: int, alice: User, client_of: ClientOf
) -> None:
    call_at(alice, timezone.now())
    assert len(shown(client_of(alice).get(f"{LIST}?{query}"))) == count
    assert client_of(alice).get(f"{LIST}summary/?{query}").status_code == 200


VALUES = [
    "",
    "x",
    "-1",
    "NaN",
    "Infinity",
    "1e400",
    "9" * 60,
    "%00",
    "0",
    "P1D",
    "..",
    "%252E",
    "9" * 18,
    "-" + "9" * 18,
]


@pytest.mark.parametrize("sort", ["", "started", "-cost", "duration", "model", "-input"])
def test_a_position_that_was_made_up_shows_a_page(sort: str, alice: User, client_of: ClientOf) -> None:
    call_at(alice, timezone.now() - timedelta(days=1))
    client = client_of(alice)
    for value in VALUES:
        for cursor in (f"{value}.{uuid4()}", f"{value}.{value}", value):
            for direction in ("older", "newer"):
                assert client.get(f"{LIST}?sort={sort}&{direction}={cursor}").status_code in (200, 400)
        assert client.get(f"{LIST}new/?after={value}.{uuid4()}").status_code in (200, 400)


# Names


@pytest.mark.parametrize("name", HOSTILE)
def test_a_model_of_any_name_is_shown_found_and_filtered(name: str, alice: User, client_of: ClientOf) -> None:
    call_at(alice, timezone.now() - timedelta(minutes=1), model=name, cost_usd=None)
    call_at(alice, timezone.now() - timedelta(minutes=1), model="other")
    roll_up(now=timezone.now() + timedelta(hours=2))
    client = client_of(alice)
    for path in ("/", "/?show=table", "/telemetry/costs/", "/telemetry/prices/", LIST):
        page = client.get(path).content.decode()
        assert html.escape(name) in page and (name == html.escape(name) or name not in page)
    page = client.get("/").content.decode()
    href = next(href for href in re.findall(r'row-link" href="([^"]+)"', page) if "other" not in href)
    found = client.get(html.unescape(href)).context["page"].rows
    assert [call.request_model for call in found] == [name]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("file_format", ["csv", "jsonl", "parquet"])
def test_no_name_breaks_an_export_or_is_computed(file_format: str, alice: User) -> None:
    for name in (*HOSTILE, "=1+1", "@SUM(1)", "-2", "+3", "\t=1"):
        call_at(alice, timezone.now(), model=name, tags=[name[:100]], token_label=name[:100])
    rows = rows_of(alice, file_format)
    assert len(rows) == len(HOSTILE) + 5
    names = {str(row["request_model"]) for row in rows}
    if file_format == "csv":
        assert not any(value.lstrip().startswith(("=", "+", "-", "@")) for row in rows for value in row.values())
    else:
        assert names == {*HOSTILE, "=1+1", "@SUM(1)", "-2", "+3", "\t=1"}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("file_format", ["csv", "jsonl", "parquet"])
def test_an_export_has_each_call_once_although_others_come_meanwhile(
    file_format: str, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "BATCH", 3)
    moment = timezone.now() - timedelta(minutes=1)
    # Of one moment too, so that a batch ends between equals.
    calls = [call_at(alice, moment - timedelta(seconds=number // 4)) for number in range(10)]
    older = stream._older

    def older_while_others_come(*args: Any) -> Any:
        call_at(alice, timezone.now())
        return older(*args)

    monkeypatch.setattr(stream, "_older", older_while_others_come)
    rows = rows_of(alice, file_format)
    assert sorted(str(row["id"]) for row in rows) == sorted(str(call.pk) for call in calls)


def rows_of(user: User, file_format: str) -> list[dict[str, Any]]:
    async def get() -> bytes:
        client = AsyncClient()
        await client.aforce_login(user)
        response = cast(StreamingHttpResponse, await client.get(f"{LIST}export.{file_format}"))
        return b"".join([chunk async for chunk in response])

    content = async_to_sync(get)()
    if file_format == "parquet":
        return cast(list[dict[str, Any]], read_parquet(io.BytesIO(content)).read_all().to_struct_array().to_pylist())
    if file_format == "csv":
        return list(csv.DictReader(io.StringIO(content.decode(), newline="")))
    return [json.loads(line) for line in content.decode().splitlines()]
