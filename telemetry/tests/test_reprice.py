"""Pricing anew: nothing is lost, nothing is done twice, and the rollups follow."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection
from django.test import Client
from django.utils import timezone

from accounts.models import User
from audit.models import AuditEvent
from telemetry.actions import TelemetryAction
from telemetry.models import Generation, PriceList, PriceOverride
from telemetry.prices import price_lists, reprice
from telemetry.pricing import PRICE_LIST, TokenCounts, price, price_list_name, use_price_list
from telemetry.rollups.coverage import Span
from telemetry.rollups.keeping import roll_up
from telemetry.rollups.reading import Reader
from telemetry.tests.price_files import PRICE_LIST_FILE

Make = Callable[..., Generation]
SINCE = (datetime.now(UTC) - timedelta(days=2)).strftime("%Y-%m-%d")


def command(*args: str, **options: Any) -> str:
    told = StringIO()
    call_command(*args, stdout=told, **options)
    return told.getvalue()


def own_price(model: str, usd: int, **values: Any) -> None:
    prices = dict.fromkeys(("input_price", "cache_read_price", "cache_write_price", "output_price"), usd)
    start = timezone.now() - timedelta(days=9)
    PriceOverride.objects.create(provider="openai", model=model, valid_from=start, **prices | values)


@pytest.fixture
def calls(start: Make, finish: Make, alice: User) -> list[Generation]:
    used = TokenCounts(input=1_000_000)
    made = [finish(start(user=alice, model=model), tokens=used) for model in ("gpt-4o", "own-1", "own-1")]
    made.append(finish(start(user=alice, model="own-1"), tokens=used, reported_cost_usd="0.5"))
    return made


def costs() -> list[Decimal | None]:
    return list(Generation.objects.order_by("started_at", "id").values_list("cost_usd", flat=True))


def test_it_prices_what_had_no_price_and_says_old_and_new_totals(calls: list[Generation]) -> None:
    assert costs() == [Decimal("2.5"), None, None, Decimal("0.5")]
    own_price("own-1", 3)
    told = command("reprice", since=SINCE)
    assert costs() == [Decimal("2.5"), 3, 3, Decimal("0.5")]
    assert "openai own-1: 2 of 3 calls changed, $0.500000 -> $6.500000, 2 newly priced, 0 unpriced" in told
    assert "Total: 2 of 4 calls changed, $3.000000 -> $9.000000" in told


def test_it_keeps_and_shows_every_earlier_receipt(
    calls: list[Generation], client_of: Callable[[User], Client], alice: User
) -> None:
    for usd in (3, 4):
        PriceOverride.objects.all().delete()
        own_price("own-1", usd)
        command("reprice", since=SINCE)
    receipt: Any = Generation.objects.get(pk=calls[1].pk).receipt
    assert [one["total"] and Decimal(one["total"]) for one in (*receipt["earlier"], receipt)] == [None, 3, 4]
    page = client_of(alice).get(calls[1].get_absolute_url()).content.decode()
    assert "Unpriced until" in page and "$3.00 until" in page


def test_a_dry_run_changes_nothing(calls: list[Generation]) -> None:
    own_price("own-1", 3)
    entries = AuditEvent.objects.count()
    assert "$3.000000 -> $9.000000" in command("reprice", since=SINCE, dry_run=True)
    assert costs() == [Decimal("2.5"), None, None, Decimal("0.5")]
    assert AuditEvent.objects.count() == entries


def test_doing_it_again_changes_nothing(calls: list[Generation]) -> None:
    own_price("own-1", 3)
    command("reprice", since=SINCE)
    before = list(Generation.objects.order_by("id").values_list("receipt", flat=True))
    assert "Total: 0 of 4 calls changed" in command("reprice", since=SINCE)
    assert list(Generation.objects.order_by("id").values_list("receipt", flat=True)) == before


def test_it_goes_on_where_it_was_broken_off(calls: list[Generation], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reprice, "BATCH", 1)
    own_price("own-1", 3)
    updates = 0

    def die(execute: Any, statement: str, *rest: Any) -> Any:
        nonlocal updates
        is_update = "UPDATE telemetry_generation" in statement
        updates += is_update
        if is_update and updates == 2:
            raise DatabaseError
        return execute(statement, *rest)

    with pytest.raises(DatabaseError), connection.execute_wrapper(die):
        command("reprice", since=SINCE)
    assert costs().count(None) == 1
    assert "Total: 1 of 4 calls changed" in command("reprice", since=SINCE)
    assert costs() == [Decimal("2.5"), 3, 3, Decimal("0.5")]


def test_the_rollups_follow(calls: list[Generation]) -> None:
    hours = timedelta(hours=3)
    later = timezone.now() + hours
    span = Span(later - 2 * hours, later)
    roll_up(now=later)
    own_price("own-1", 3)
    command("reprice", since=SINCE)
    roll_up(now=later)
    figures = Reader(span, now=later).total()
    assert figures.cost_usd == 9 and figures.unpriced == 0


@pytest.mark.parametrize(
    ("options", "changed"),
    [
        ({"endpoint": "openai"}, 2),
        ({"endpoint": "mistral"}, 0),
        ({"endpoint": "https://llm.example.com/v1"}, 0),
        ({"model": "own-1"}, 2),
        ({"model": "gpt-4o"}, 0),
    ],
)
def test_it_can_be_narrowed_down(calls: list[Generation], options: dict[str, str], changed: int) -> None:
    own_price("own-1", 3)
    assert f"Total: {changed} of " in command("reprice", since=SINCE, **options)


def test_it_prices_parts_and_tiers_as_they_were_recorded(start: Make, finish: Make, alice: User) -> None:
    tokens = TokenCounts(input=10, cache_write=1_000_000)
    parts = {"usage_parts": {"cache_write_1h": 1_000_000}}
    call = finish(start(user=alice, provider="anthropic", model="claude-sonnet-4-6"), tokens=tokens, **parts)
    before = call.cost_usd
    Generation.objects.update(cost_usd=1)
    command("reprice", since=SINCE)
    assert costs() == [before]
    Generation.objects.update(cost_usd=1, usage_details={"service_tier": "batch"})
    command("reprice", since=SINCE)
    assert costs()[0] != before


def test_it_is_recorded_before_and_after(calls: list[Generation]) -> None:
    command("reprice", since=SINCE)
    entries = AuditEvent.objects.filter(action=TelemetryAction.CALLS_REPRICE)
    assert entries.count() == 2


@pytest.fixture
def own_list() -> Iterator[None]:
    yield
    use_price_list(None)
    price_lists._used.update(key=None)


def cost_of_a_million(model: str) -> Decimal | None:
    receipt = price(TokenCounts(input=1_000_000), provider="openai", model=model, at=timezone.now())
    return receipt.total if receipt else None


@pytest.mark.usefixtures("db", "own_list")
def test_a_newer_price_list_is_used_and_named(tmp_path: Path) -> None:
    file = tmp_path / "data.json"
    file.write_bytes(PRICE_LIST_FILE)
    assert "in use within a minute" in command("update_prices", str(file))
    assert "already stored" in command("update_prices", str(file))
    price_lists.refresh()
    assert cost_of_a_million("gpt-4o") == 7 and cost_of_a_million("o3") is None
    assert price_list_name() == PriceList.objects.get().name != PRICE_LIST


@pytest.mark.usefixtures("db", "own_list")
@pytest.mark.parametrize("content", [b"", b"{", b"{}", b"[]", b'[{"id": 1}]', json.dumps([1]).encode(), b"\xff"])
def test_what_is_no_price_list_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "data.json"
    file.write_bytes(content)
    with pytest.raises(CommandError):
        command("update_prices", str(file))
    assert not PriceList.objects.exists() and cost_of_a_million("gpt-4o") == Decimal("2.5")
