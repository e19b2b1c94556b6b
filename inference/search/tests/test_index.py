"""The index of vectors: built beside the work, and no filter gets fewer results through it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import DatabaseError, connection

from accounts.models import User
from inference.search import retrieval, vectors
from inference.search.embedders.local import local_embedder
from inference.search.retrieval import by_meaning
from inference.search.scopes import Filters, places_in
from inference.search.tests.conftest import AddCall
from telemetry.models import Generation


@pytest.mark.usefixtures("transactional_db")
def test_it_gives_as_many_as_asked_for_through_the_index(
    alice: User, bob: User, add_call: AddCall, index: Callable[[], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vectors, "INDEXED_FROM", 50)
    monkeypatch.setattr(retrieval, "SMALL", 5)
    for number in range(60):
        add_call(bob, f"refund of order {number}")
    rare = [add_call(alice, f"a poem about the sea and ship {number}").pk for number in range(10)]
    Generation.objects.filter(pk__in=rare[:7]).update(status="failed")
    index()
    vectors.build_missing_indexes()
    assert vectors.has_index(vectors.local_row())
    vector = local_embedder().embed(["refund of order 7"])[0]
    for filters, count in ((Filters(), 8), (Filters(status="failed"), 7)):
        found = by_meaning(places_in(alice, filters), vector, vectors.local_row(), limit=count)
        assert len({each.object_id for each in found} & set(rare)) == count


@pytest.mark.usefixtures("transactional_db")
def test_it_finds_through_the_index_what_an_exact_comparison_finds(
    alice: User, add_call: AddCall, index: Callable[[], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(80):
        add_call(alice, f"question {number} about order {number * 7} and product {number % 9}")
    index()
    vector = local_embedder().embed(["question 12 about product 3"])[0]
    exact = by_meaning(places_in(alice, Filters()), vector, vectors.local_row(), limit=10)
    monkeypatch.setattr(vectors, "INDEXED_FROM", 50)
    monkeypatch.setattr(retrieval, "SMALL", 5)
    vectors.build_missing_indexes()
    found = by_meaning(places_in(alice, Filters()), vector, vectors.local_row(), limit=10)
    assert len({each.text_id for each in found} & {each.text_id for each in exact}) >= 9


@pytest.mark.usefixtures("transactional_db")
def test_an_outage_while_it_is_built_is_left_to_the_next_try_of_the_job(
    alice: User, add_call: AddCall, index: Callable[[], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vectors, "INDEXED_FROM", 2)
    for number in range(4):
        add_call(alice, f"refund of order {number}")
    index()
    with connection.cursor() as cursor:
        cursor.execute("SET default_transaction_read_only = on")
        with pytest.raises(DatabaseError):
            vectors.build_missing_indexes()
        cursor.execute("RESET default_transaction_read_only")
    vectors.build_missing_indexes()
    assert vectors.has_index(vectors.local_row())
