"""What the list of calls says of all its calls, and gives away as a file."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, cast

import pytest
from asgiref.sync import async_to_sync
from django.http import StreamingHttpResponse
from django.test import AsyncClient, Client
from django.utils import timezone

from accounts.models import User
from audit.models import AuditEvent
from telemetry import table_export
from telemetry.context import SentMessage
from telemetry.models import Generation, Status
from telemetry.pricing import TokenCounts
from telemetry.rollups.keeping import roll_up

LIST = "/telemetry/"
ClientOf = Callable[[User], Client]
Make = Callable[..., Generation]


def exported(user: User, query: str) -> str:
    async def get() -> str:
        client = AsyncClient()
        await client.aforce_login(user)
        response = cast(StreamingHttpResponse, await client.get(f"{LIST}export.{query}"))
        return b"".join([chunk async for chunk in response]).decode()

    return async_to_sync(get)()


@pytest.mark.parametrize("is_rolled_up", [False, True])
def test_it_sums_up_what_the_filters_leave(
    start: Make, finish: Make, alice: User, bob: User, client_of: ClientOf, is_rolled_up: bool
) -> None:
    finish(start(user=alice, model="gpt-4o"), tokens=TokenCounts(input=10), reported_cost_usd="0.5")
    finish(start(user=alice, model="other"), status=Status.FAILED)
    finish(start(user=bob, model="gpt-4o"))
    if is_rolled_up:
        roll_up(now=timezone.now() + timedelta(hours=1))
    strip = client_of(alice).get(LIST).context["strip"]
    assert (strip.calls, strip.failed, strip.cost, strip.tokens) == ("2", "1 (50.0%)", "$0.50", "10")
    strip = client_of(alice).get(LIST, {"model": "gpt-4o", "range": "24h"}).context["strip"]
    assert (strip.calls, strip.failed) == ("1", "0 (0.0%)")


def test_it_shows_the_first_words_of_own_questions_only(
    start: Make, admin: User, alice: User, client_of: ClientOf
) -> None:
    start(user=alice, sent=[SentMessage("user", "Where is\n my parcel?")])
    start(user=admin, sent=[SentMessage("system", "Be brief."), SentMessage("user", "Which parcel?")])
    page = client_of(admin).get(LIST).content.decode()
    assert "Which parcel?" in page and "my parcel" not in page
    assert "Where is my parcel?" in client_of(alice).get(LIST).content.decode()


@pytest.mark.django_db(transaction=True)
def test_an_export_has_what_is_filtered(
    start: Make, finish: Make, alice: User, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table_export, "_BATCH", 2)
    calls = [finish(start(user=alice, model="a"), reported_cost_usd="0.25") for _ in range(5)]
    start(user=alice, model="b"), start(user=bob, model="a")
    rows = list(csv.DictReader(exported(alice, "csv?model=a").splitlines()))
    assert [row["id"] for row in rows] == [str(call.pk) for call in reversed(calls)]
    assert {row["user"] for row in rows} == {alice.email}
    assert [json.loads(line)["id"] for line in exported(alice, "jsonl?model=a").splitlines()] == [
        row["id"] for row in rows
    ]
    assert datetime.fromisoformat(rows[0]["started_at"]) == calls[-1].started_at
    entry = AuditEvent.objects.filter(action="telemetry:calls:export").latest("sequence")
    assert (entry.actor, entry.after) == (alice.audit_id, {"format": "jsonl"})


@pytest.mark.django_db(transaction=True)
def test_it_neutralises_formulas(start: Make, alice: User) -> None:
    for typed in ('=HYPERLINK("x")', " @SUM(1)", "-1+1", "+1", "a\r\n2,forged"):
        start(user=alice, model=typed, token_label=typed)
    rows = list(csv.reader(exported(alice, "csv").splitlines()))
    assert len(rows) == 6
    assert not any(cell.lstrip().startswith(("=", "+", "-", "@")) for row in rows for cell in row)


def test_it_exports_nothing_for_a_filter_that_it_cannot_read(alice: User, client_of: ClientOf) -> None:
    response: Any = client_of(alice).get(f"{LIST}export.csv?version=x")
    assert response.status_code == 400
    assert not AuditEvent.objects.filter(action="telemetry:calls:export").exists()
