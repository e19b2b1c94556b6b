"""The list of calls as files."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any, cast

import pytest
from arro3.io import read_parquet
from asgiref.sync import async_to_sync
from django.http import StreamingHttpResponse
from django.test import AsyncClient, Client

from accounts.models import User
from audit.models import AuditEvent
from telemetry.exports import stream
from telemetry.models import Generation

ClientOf = Callable[[User], Client]
Make = Callable[..., Generation]
LIST = "/telemetry/"

pytestmark = pytest.mark.django_db(transaction=True)


def exported(user: User, query: str) -> bytes:
    async def get() -> bytes:
        client = AsyncClient()
        await client.aforce_login(user)
        response = cast(StreamingHttpResponse, await client.get(f"{LIST}export.{query}"))
        return b"".join([chunk async for chunk in response])

    return async_to_sync(get)()


def rows_of(user: User, file_format: str, query: str = "") -> list[dict[str, Any]]:
    content = exported(user, f"{file_format}{query}")
    if file_format == "parquet":
        return cast(list[dict[str, Any]], read_parquet(io.BytesIO(content)).read_all().to_struct_array().to_pylist())
    if file_format == "csv":
        return list(csv.DictReader(content.decode().splitlines()))
    return [json.loads(line) for line in content.decode().splitlines()]


@pytest.mark.parametrize("file_format", ["csv", "jsonl", "parquet"])
def test_an_export_has_what_is_filtered(
    start: Make, finish: Make, alice: User, bob: User, monkeypatch: pytest.MonkeyPatch, file_format: str
) -> None:
    monkeypatch.setattr(stream, "BATCH", 2)
    calls = [finish(start(user=alice, model="a"), reported_cost_usd="0.25") for _ in range(5)]
    start(user=alice, model="b"), start(user=bob, model="a")
    rows = rows_of(alice, file_format, "?model=a")
    assert [str(row["id"]) for row in rows] == [str(call.pk) for call in reversed(calls)]
    assert {row["user"] for row in rows} == {alice.email}
    assert {Decimal(row["cost_usd"]) for row in rows if row["cost_usd"]} <= {Decimal("0.25")}
    began = rows[0]["started_at"]
    assert (datetime.fromisoformat(began) if isinstance(began, str) else began) == calls[-1].started_at
    entry = AuditEvent.objects.filter(action="telemetry:calls:export").latest("sequence")
    assert (entry.actor, entry.after) == (alice.audit_id, {"format": file_format})


@pytest.mark.parametrize("file_format", ["csv", "jsonl", "parquet"])
def test_an_export_of_nothing_is_a_file(alice: User, file_format: str) -> None:
    assert rows_of(alice, file_format) == []


@pytest.mark.parametrize("file_format", ["csv", "jsonl", "parquet"])
def test_an_export_has_the_chosen_columns(start: Make, alice: User, file_format: str) -> None:
    start(user=alice, tags=["a", "b, c"])
    (row,) = rows_of(alice, file_format, "?col=tags&col=model")
    assert list(row) == ["id", "started_at", "status", "request_model", "tags"]
    assert row["tags"] == ('["a","b, c"]' if file_format == "csv" else ["a", "b, c"])


def test_its_name_has_the_range(alice: User, client_of: ClientOf) -> None:
    query = "start=2026-11-01T00:00&end=2026-11-02T12:30"
    response = client_of(alice).get(f"{LIST}export.csv?{query}")
    assert response["Content-Disposition"] == 'attachment; filename="calls-20261101T000000Z-20261102T123000Z.csv"'
    assert 'filename="calls-2' in client_of(alice).get(f"{LIST}export.csv")["Content-Disposition"]


def test_it_neutralises_formulas(start: Make, alice: User) -> None:
    for typed in ('=HYPERLINK("x")', " @SUM(1)", "-1+1", "+1", "a\r\n2,forged", 'b"\n=1'):
        start(user=alice, model=typed, token_label=typed, tags=[typed])
    start(user=alice, model="plain-1", token_label="ü, =1")
    rows = list(csv.reader(io.StringIO(exported(alice, "csv").decode(), newline="")))
    assert len(rows) == 8
    assert not any(cell.lstrip().startswith(("=", "+", "-", "@")) for row in rows for cell in row)
    assert not any("\n" in cell or "\r" in cell for row in rows for cell in row)
    assert "ü, =1" in rows[1] and "plain-1" in rows[1]


def test_json_lines_are_ascii(start: Make, alice: User) -> None:
    start(user=alice, model='ü\u2028\u202e"\n\x1b😀')
    line = exported(alice, "jsonl")
    assert line.isascii() and line.count(b"\n") == 1
    assert json.loads(line)["request_model"] == 'ü\u2028\u202e"\n\x1b😀'


def test_it_exports_nothing_for_a_filter_that_it_cannot_read(alice: User, client_of: ClientOf) -> None:
    response: Any = client_of(alice).get(f"{LIST}export.csv?version=x")
    assert response.status_code == 400
    assert not AuditEvent.objects.filter(action="telemetry:calls:export").exists()
