"""Calls and prices in the admin site."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse
from django.utils.html import escape

from accounts.models import User
from audit.admin_base import CappedPaginator
from audit.models import AuditEvent
from telemetry.models import Generation, PriceOverride

Make = Callable[..., Generation]
ClientOf = Callable[[User], Client]
CALLS = "admin:telemetry_generation_changelist"
CALL = "admin:telemetry_generation_change"
CONTENTS = "admin:telemetry_generationcontent_changelist"
CONTENT = "admin:telemetry_generationcontent_change"
PRICES = "admin:telemetry_priceoverride_changelist"
PRICE = {
    "provider": "openai",
    "model": "dear-1",
    "valid_from_0": "2026-01-01",
    "valid_from_1": "00:00:00",
    "input_price": "10",
    "cache_read_price": "1",
    "cache_write_price": "12.5",
    "output_price": "40",
}
VALUES = {
    "provider": "openai",
    "model": "dear-1",
    "valid_from": "2026-01-01 00:00:00+00:00",
    "input_price": "10.000000",
    "cache_read_price": "1.000000",
    "cache_write_price": "12.500000",
    "output_price": "40.000000",
}


@pytest.fixture
def price(db: None) -> PriceOverride:
    return PriceOverride.objects.create(
        provider="openai",
        model="dear-1",
        valid_from=datetime(2026, 1, 1, tzinfo=UTC),
        input_price=Decimal(10),
        cache_read_price=Decimal(1),
        cache_write_price=Decimal("12.5"),
        output_price=Decimal(40),
    )


def found(client: Client, text: str) -> list[Any]:
    return list(client.get(reverse(CALLS), {"q": text}).context["cl"].result_list)


def test_it_lists_calls(start: Make, alice: User, admin: User, client_of: ClientOf) -> None:
    start(user=alice, model="some-model")
    page = client_of(admin).get(reverse(CALLS)).content.decode()
    assert "some-model" in page
    assert alice.email in page


@pytest.mark.parametrize("name", [CALL, CONTENT])
def test_it_shows_a_call_without_a_way_to_change_it(
    start: Make, finish: Make, alice: User, admin: User, client_of: ClientOf, name: str
) -> None:
    generation = finish(start(user=alice))
    page = client_of(admin).get(reverse(name, args=[generation.pk])).content.decode()
    assert 'name="_save"' not in page
    assert "deletelink" not in page
    assert ("Be brief." in page) == (name == CONTENT)


def test_it_shows_what_was_said_apart_from_the_call(
    start: Make, finish: Make, alice: User, admin: User, client_of: ClientOf
) -> None:
    hostile = "</div><script>alert(1)</script>"
    generation = finish(start(user=alice), text=hostile)
    client = client_of(admin)
    page = client.get(reverse(CONTENT, args=[generation.pk])).content.decode()
    assert escape(hostile) in page
    assert hostile not in page
    assert "alert" not in client.get(reverse(CALL, args=[generation.pk])).content.decode()
    assert "alert" not in client.get(reverse(CONTENTS)).content.decode()


@pytest.mark.parametrize("name", [CONTENT, "telemetry:generation-detail"])
def test_it_records_who_reads_what_another_has_said(
    start: Make, finish: Make, alice: User, admin: User, client_of: ClientOf, name: str
) -> None:
    own, others = finish(start(user=admin)), finish(start(user=alice))
    for generation in (own, others):
        client_of(admin).get(reverse(name, args=[generation.pk]))
    event = AuditEvent.objects.get(action="telemetry:content:read")
    assert (event.actor, event.target_id, event.owner) == (admin.audit_id, str(others.pk), alice.audit_id)


def test_it_finds_no_call_by_what_was_said(
    start: Make, finish: Make, alice: User, admin: User, client_of: ClientOf
) -> None:
    generation = finish(start(user=alice), text="treasure")
    client = client_of(admin)
    assert list(client.get(reverse(CONTENTS), {"q": "treasure"}).context["cl"].result_list) == []
    assert client.get(reverse(CONTENTS), {"q": str(generation.pk)}).context["cl"].result_count == 1


@pytest.mark.parametrize("name", ["add", "change", "delete"])
def test_it_refuses_to_write_calls(start: Make, alice: User, admin: User, client_of: ClientOf, name: str) -> None:
    generation = start(user=alice)
    args = [] if name == "add" else [generation.pk]
    response = client_of(admin).post(reverse(f"admin:telemetry_generation_{name}", args=args), {"post": "yes"})
    assert response.status_code == 403
    assert Generation.objects.get() == generation


def test_it_has_no_bulk_delete_for_calls(start: Make, alice: User, admin: User, client_of: ClientOf) -> None:
    generation = start(user=alice)
    data = {"action": "delete_selected", "_selected_action": [generation.pk], "post": "yes"}
    client_of(admin).post(reverse(CALLS), data)
    assert Generation.objects.filter(pk=generation.pk).exists()


@pytest.mark.parametrize("name", [CALLS, PRICES])
def test_it_keeps_engineers_out(alice: User, client_of: ClientOf, name: str) -> None:
    assert client_of(alice).get(reverse(name)).status_code == 403


def test_it_finds_calls(start: Make, alice: User, bob: User, admin: User, client_of: ClientOf) -> None:
    wanted = start(user=alice)
    start(user=bob)
    client = client_of(admin)
    for text in (str(wanted.pk), f" {wanted.conversation_id} ", alice.email.upper()):
        assert found(client, text) == [wanted]
    for text in (str(uuid4()), "nobody@example.org", "'; --"):
        assert found(client, text) == []


def test_it_counts_no_further_than_it_must(
    start: Make, alice: User, admin: User, client_of: ClientOf, django_assert_max_num_queries: Any
) -> None:
    for _ in range(3):
        start(user=alice)
    calls = Generation.objects.all()
    assert CappedPaginator(calls, 50).count == 3
    client = client_of(admin)
    with django_assert_max_num_queries(7) as queries:
        client.get(reverse(CALLS))
    counts = [query["sql"] for query in queries if "COUNT(*)" in query["sql"]]
    assert counts
    assert all(f"LIMIT {CappedPaginator.MOST_COUNTED}" in sql for sql in counts)


def test_it_adds_a_price(admin: User, client_of: ClientOf) -> None:
    client_of(admin).post(reverse("admin:telemetry_priceoverride_add"), PRICE)
    event = AuditEvent.objects.get()
    assert PriceOverride.objects.get().cache_write_price == Decimal("12.5")
    assert (event.action, event.actor, event.before, event.after) == (
        "telemetry:price:create",
        admin.audit_id,
        {},
        VALUES,
    )


def test_it_changes_a_price(price: PriceOverride, admin: User, client_of: ClientOf) -> None:
    url = reverse("admin:telemetry_priceoverride_change", args=[price.pk])
    client_of(admin).post(url, PRICE | {"output_price": "50"})
    event = AuditEvent.objects.get()
    assert (event.action, event.before, event.after) == (
        "telemetry:price:update",
        VALUES,
        VALUES | {"output_price": "50.000000"},
    )


def test_it_deletes_a_price(price: PriceOverride, admin: User, client_of: ClientOf) -> None:
    pk = str(price.pk)
    client_of(admin).post(reverse("admin:telemetry_priceoverride_delete", args=[pk]), {"post": "yes"})
    event = AuditEvent.objects.get()
    assert not PriceOverride.objects.exists()
    assert (event.action, event.target_id, event.before, event.after) == ("telemetry:price:delete", pk, VALUES, {})


def test_it_records_every_price_deleted_in_bulk(price: PriceOverride, admin: User, client_of: ClientOf) -> None:
    other = PriceOverride.objects.get(pk=price.pk)
    other.pk, other.model = None, "dear-2"
    other.save()
    data = {"action": "delete_selected", "_selected_action": [price.pk, other.pk], "post": "yes"}
    client_of(admin).post(reverse(PRICES), data)
    assert not PriceOverride.objects.exists()
    assert sorted(event.before["model"] for event in AuditEvent.objects.all()) == ["dear-1", "dear-2"]


@pytest.mark.parametrize("name", ["input_price", "cache_read_price", "cache_write_price", "output_price"])
def test_it_refuses_prices_below_zero(admin: User, client_of: ClientOf, name: str) -> None:
    response = client_of(admin).post(reverse("admin:telemetry_priceoverride_add"), PRICE | {name: "-1"})
    assert "A price is not below zero." in response.content.decode()
    assert not PriceOverride.objects.exists()
    assert not AuditEvent.objects.exists()


def test_it_refuses_two_prices_at_one_time(price: PriceOverride, admin: User, client_of: ClientOf) -> None:
    response = client_of(admin).post(reverse("admin:telemetry_priceoverride_add"), PRICE)
    assert response.status_code == 200
    assert PriceOverride.objects.count() == 1
