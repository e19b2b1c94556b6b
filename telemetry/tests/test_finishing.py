"""How a call ends."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection, transaction
from django.utils import timezone

from accounts.models import User
from telemetry.context import SentMessage
from telemetry.models import Generation, PriceOverride, Status, UsageSource
from telemetry.pricing import TokenCounts
from telemetry.services import CallOutcome, abandon_generation, finish_generation, mark_alive

TOKENS = TokenCounts(input=1000, cache_read=200, cache_write=30, output=400, reasoning=50)
Make = Callable[..., Generation]
Queries = Callable[[int], AbstractContextManager[Any]]


@pytest.fixture
def dear_model(db: None) -> PriceOverride:
    return PriceOverride.objects.create(
        provider="openai",
        model="dear-1",
        valid_from=datetime(2020, 1, 1, tzinfo=UTC),
        input_price=Decimal(10),
        cache_read_price=Decimal(1),
        cache_write_price=Decimal("12.5"),
        output_price=Decimal(40),
    )


def test_it_starts_as_running(start: Make, alice: User) -> None:
    generation = start(user=alice)
    assert (generation.status, generation.ended_at, generation.cost_usd) == (Status.RUNNING, None, None)
    assert generation.content.sent() == [SentMessage("system", "Be brief."), SentMessage("user", "Hello?")]


def test_it_stores_how_a_call_ended(start: Make, finish: Make, alice: User) -> None:
    first = timezone.now()
    generation = finish(
        start(user=alice),
        text="Hello.",
        reasoning="Greet back.",
        tokens=TOKENS,
        finish_reason="stop",
        response_model="gpt-4o-2024-08-06",
        response_id="resp-1",
        provider_request_id="req-1",
        first_token_at=first,
        attempts=({"started_at": "2026-01-01T00:00:00+00:00", "seconds": 1.5},),
    )
    assert generation.status == Status.SUCCEEDED
    assert generation.ended_at is not None
    assert (generation.content.response_text, generation.content.reasoning_text) == ("Hello.", "Greet back.")
    assert (generation.total_input_tokens, generation.total_output_tokens) == (1230, 450)
    assert (generation.usage_source, generation.first_token_at) == (UsageSource.REPORTED, first)
    assert (generation.response_model, generation.provider_request_id) == ("gpt-4o-2024-08-06", "req-1")
    assert generation.attempts == [{"started_at": "2026-01-01T00:00:00+00:00", "seconds": 1.5}]


def test_it_ends_only_once(start: Make, finish: Make, alice: User) -> None:
    generation = finish(start(user=alice), status=Status.STOPPED, text="first")
    with transaction.atomic():
        again = finish_generation(generation_id=generation.pk, outcome=CallOutcome(status=Status.FAILED, text="second"))
    generation.refresh_from_db()
    assert not again
    assert (generation.status, generation.content.response_text) == (Status.STOPPED, "first")


@pytest.mark.django_db(transaction=True)
def test_it_ends_only_once_however_many_try(start: Make, alice: User) -> None:
    generation = start(user=alice)

    def end(number: int) -> bool:
        try:
            with transaction.atomic():
                outcome = CallOutcome(status=Status.SUCCEEDED, text=f"answer {number}", tokens=TOKENS)
                return finish_generation(generation_id=generation.pk, outcome=outcome)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as threads:
        results = list(threads.map(end, range(8)))
    generation.refresh_from_db()
    assert results.count(True) == 1
    assert generation.content.response_text == f"answer {results.index(True)}"


def test_it_knows_nothing_of_a_call_that_was_erased(db: None) -> None:
    with transaction.atomic():
        assert not finish_generation(generation_id=uuid4(), outcome=CallOutcome(status=Status.SUCCEEDED))


def test_it_takes_few_queries(start: Make, alice: User, django_assert_num_queries: Queries) -> None:
    generation = start(user=alice)
    with transaction.atomic(), django_assert_num_queries(4):
        finish_generation(generation_id=generation.pk, outcome=CallOutcome(status=Status.SUCCEEDED, tokens=TOKENS))


def test_it_prices_by_override(start: Make, finish: Make, alice: User, dear_model: PriceOverride) -> None:
    generation = finish(start(user=alice, model="dear-1"), tokens=TOKENS)
    assert generation.cost_usd == Decimal("0.028575")
    assert generation.receipt is not None
    assert generation.receipt["source"] == "override"


def test_it_keeps_a_receipt_whose_lines_sum_up(
    start: Make, finish: Make, alice: User, dear_model: PriceOverride
) -> None:
    receipt = finish(start(user=alice, model="dear-1"), tokens=TOKENS).receipt
    assert receipt is not None
    assert [(line["usage_class"], line["tokens"], line["unit_price"], line["amount"]) for line in receipt["lines"]] == [
        ("input", 1000, "10.000000", "0.010000000000"),
        ("cache_read", 200, "1.000000", "0.000200000000"),
        ("cache_write", 30, "12.500000", "0.000375000000"),
        ("output", 400, "40.000000", "0.016000000000"),
        ("reasoning", 50, "40.000000", "0.002000000000"),
    ]
    assert sum(Decimal(line["amount"]) for line in receipt["lines"]) == Decimal(receipt["total"])


def test_it_prices_the_model_that_answered_where_the_asked_one_has_no_price(
    start: Make, finish: Make, alice: User, dear_model: PriceOverride
) -> None:
    generation = finish(start(user=alice, model="our-alias"), tokens=TOKENS, response_model="dear-1")
    assert generation.cost_usd == Decimal("0.028575")


def test_it_prices_from_the_list(start: Make, finish: Make, alice: User) -> None:
    generation = finish(start(user=alice, model="gpt-4o"), tokens=TOKENS)
    assert generation.cost_usd is not None
    assert generation.cost_usd > 0


def test_it_believes_the_provider_about_the_cost(
    start: Make, finish: Make, alice: User, dear_model: PriceOverride
) -> None:
    generation = finish(start(user=alice, model="dear-1"), tokens=TOKENS, reported_cost_usd="0.5")
    assert generation.cost_usd == Decimal("0.5")


def test_it_leaves_an_unknown_price_open(start: Make, finish: Make, alice: User) -> None:
    generation = finish(start(user=alice, model="nobody-knows-it"), tokens=TOKENS)
    assert (generation.cost_usd, generation.receipt, generation.is_unpriced) == (None, None, True)


def test_it_tells_free_from_unpriced(start: Make, finish: Make, alice: User) -> None:
    generation = finish(start(user=alice, provider="echo", model="echo"), tokens=TOKENS)
    assert (generation.cost_usd, generation.is_unpriced) == (Decimal(0), False)


def test_it_has_nothing_to_price_where_no_token_was_used(start: Make, finish: Make, alice: User) -> None:
    generation = finish(start(user=alice), status=Status.FAILED, error_type="overloaded", error_status=529)
    assert (generation.cost_usd, generation.is_unpriced, generation.usage_source) == (None, False, "")


def test_it_marks_estimates(start: Make, finish: Make, alice: User) -> None:
    generation = finish(start(user=alice), status=Status.STOPPED, tokens=TOKENS, tokens_are_estimated=True)
    assert generation.usage_source == UsageSource.ESTIMATED


@pytest.mark.parametrize("model", ["", " ", "\x00", "a\ud800b", "%s", "-1", "../../etc", "m" * 200, "gpt-4o\n", "模型"])
def test_it_ends_whatever_the_model_calls_itself(start: Make, finish: Make, alice: User, model: str) -> None:
    generation = finish(start(user=alice, model="m"), tokens=TOKENS, response_model=model * 2, error_message=model)
    assert generation.status == Status.SUCCEEDED


def test_it_ends_whatever_a_provider_sends_for_texts(start: Make, finish: Make, alice: User) -> None:
    hostile = "\x00\ud800" + "x" * 5000
    generation = finish(
        start(user=alice),
        status=Status.FAILED,
        text=hostile,
        reasoning=hostile,
        finish_reason=hostile,
        response_id=hostile,
        provider_request_id=hostile,
        error_type=hostile,
        error_message=hostile,
        attempts=({"message": hostile, "more": [hostile]},),
    )
    assert generation.attempts[0]["message"] == "\ufffd\ufffd" + "x" * 5000
    assert generation.finish_reason == "\ufffd\ufffd" + "x" * 28


@pytest.mark.parametrize("count", [-1, 2**31, 10**30])
def test_it_does_not_believe_impossible_figures(start: Make, finish: Make, alice: User, count: int) -> None:
    generation = finish(start(user=alice, model="gpt-4o"), tokens=TokenCounts(input=5, output=count))
    assert (generation.status, generation.output_tokens, generation.cost_usd) == (Status.SUCCEEDED, None, None)


@pytest.mark.parametrize("cost", ["NaN", "-1", "Infinity", "1e400", "free", ""])
def test_it_does_not_believe_impossible_costs(start: Make, finish: Make, alice: User, cost: str) -> None:
    assert finish(start(user=alice, model="nobody-knows-it"), tokens=TOKENS, reported_cost_usd=cost).cost_usd is None


def test_it_bears_the_largest_bill(start: Make, finish: Make, alice: User, dear_model: PriceOverride) -> None:
    PriceOverride.objects.update(output_price=Decimal("999999.999999"))
    generation = finish(start(user=alice, model="dear-1"), tokens=TokenCounts(output=2**31 - 1, reasoning=2**31 - 1))
    assert generation.receipt is not None
    assert generation.cost_usd == Decimal(generation.receipt["total"])


def test_it_never_ends_before_it_began(start: Make, finish: Make, alice: User) -> None:
    generation = start(user=alice)
    Generation.objects.update(started_at=timezone.now() + timedelta(days=1))
    assert finish(generation).seconds == 0


def test_it_gives_signs_of_life_of_running_calls_only(start: Make, finish: Make, alice: User) -> None:
    running, ended, other = start(user=alice), finish(start(user=alice)), start(user=alice)
    long_ago = timezone.now() - timedelta(hours=1)
    Generation.objects.update(heartbeat_at=long_ago)
    mark_alive(generation_ids=[running.pk, ended.pk])
    assert set(Generation.objects.filter(heartbeat_at=long_ago)) == {ended, other}


def test_it_takes_the_result_of_a_call_that_was_taken_for_interrupted(
    start: Make, finish: Make, alice: User, dear_model: PriceOverride
) -> None:
    call = start(user=alice, model="dear-1")
    guess = CallOutcome(
        status=Status.INTERRUPTED, text="half", tokens=TOKENS, tokens_are_estimated=True, error_type="x"
    )
    with transaction.atomic():
        assert abandon_generation(generation_id=call.pk, outcome=guess)
    finish(call, text="the whole", tokens=TokenCounts(output=10))
    assert (call.status, call.error_type, call.content.response_text) == (Status.SUCCEEDED, "", "the whole")
    assert (call.input_tokens, call.output_tokens, call.usage_source) == (0, 10, UsageSource.REPORTED)
    assert call.cost_usd == Decimal("0.0004") and call.receipt
    assert call.receipt["total"] == "0.000400000000"


def test_it_leaves_nothing_of_an_estimate_beside_a_result_without_figures(
    start: Make, finish: Make, alice: User, dear_model: PriceOverride
) -> None:
    call = start(user=alice, model="dear-1")
    guess = CallOutcome(status=Status.INTERRUPTED, tokens=TOKENS, tokens_are_estimated=True)
    with transaction.atomic():
        assert abandon_generation(generation_id=call.pk, outcome=guess)
    finish(call, status=Status.FAILED, error_type="timeout")
    assert (call.output_tokens, call.usage_source, call.cost_usd, call.receipt) == (None, "", None, None)


def test_it_abandons_no_call_that_has_ended(start: Make, finish: Make, alice: User) -> None:
    call = finish(start(user=alice))
    with transaction.atomic():
        assert not abandon_generation(generation_id=call.pk, outcome=CallOutcome(status=Status.INTERRUPTED))


def test_it_takes_no_result_of_an_interrupted_call_whose_user_was_erased(start: Make, alice: User) -> None:
    call = start(user=alice)
    Generation.objects.update(status=Status.INTERRUPTED, ended_at=timezone.now(), user=None)
    with transaction.atomic():
        assert not finish_generation(generation_id=call.pk, outcome=CallOutcome(status=Status.SUCCEEDED, text="x"))


def test_it_prices_a_call_by_the_server_that_was_called(start: Make, finish: Make, alice: User) -> None:
    official = finish(start(user=alice, model="gpt-4o"), tokens=TOKENS)
    by_gateway = finish(start(user=alice, model="gpt-4o", base_url="https://llm.example.com/v1"), tokens=TOKENS)
    elsewhere = finish(start(user=alice, model="gpt-4o", base_url="https://api.deepseek.com/v1"), tokens=TOKENS)
    assert by_gateway.cost_usd == official.cost_usd is not None
    assert (elsewhere.cost_usd, elsewhere.receipt) == (None, None)


def test_it_prices_another_server_by_our_own_price(
    start: Make, finish: Make, alice: User, dear_model: PriceOverride
) -> None:
    generation = finish(start(user=alice, model="dear-1", base_url="http://vllm.example/v1"), tokens=TOKENS)
    assert generation.cost_usd is not None
