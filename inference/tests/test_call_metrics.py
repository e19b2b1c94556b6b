"""Calls in figures, for Prometheus."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from prometheus_client import REGISTRY

from inference.runs import metrics
from telemetry.models import Generation, Status
from telemetry.pricing import TokenCounts
from telemetry.services import CallOutcome

START = datetime(2026, 11, 30, 12, tzinfo=UTC)
MINI = {
    "gen_ai_operation_name": "chat",
    "gen_ai_provider_name": "openai",
    "gen_ai_request_model": "gpt-4o-mini",
}


@pytest.fixture(autouse=True)
def _from_zero() -> Iterator[None]:
    for metric in (metrics.CALLS, metrics.DURATION, metrics.FIRST_CHUNK, metrics.INPUT, metrics.OUTPUT, metrics.COST):
        metric.clear()
    yield


def call(provider: str = "openai", model: str = "gpt-4o-mini-2024-07-18", base_url: str = "") -> Generation:
    return Generation(provider=provider, request_model=model, base_url=base_url, started_at=START)


def observe(generation: Generation, outcome: CallOutcome, cost: str | None = "0.25", seconds: float = 3) -> None:
    cost_usd = None if cost is None else Decimal(cost)
    metrics.observe_call(generation, outcome, ended_at=START + timedelta(seconds=seconds), cost_usd=cost_usd)


def value(name: str, **labels: str) -> float | None:
    return REGISTRY.get_sample_value(name, labels)


def test_it_tells_duration_and_time_to_the_first_token() -> None:
    observe(call(), CallOutcome(Status.SUCCEEDED, first_token_at=START + timedelta(seconds=0.5)))
    assert value("gen_ai_client_inference_duration_seconds_sum", **MINI, error_type="") == 3
    assert value("gen_ai_client_inference_time_to_first_chunk_seconds_sum", **MINI) == 0.5
    assert value("gen_ai_client_inference_duration_seconds_bucket", **MINI, error_type="", le="2.56") == 0
    assert value("gen_ai_client_inference_duration_seconds_bucket", **MINI, error_type="", le="5.12") == 1


def test_cached_tokens_are_input_and_reasoning_is_output() -> None:
    tokens = TokenCounts(input=10, cache_read=20, cache_write=30, output=5, reasoning=7)
    observe(call(), CallOutcome(Status.SUCCEEDED, tokens=tokens))
    assert value("gen_ai_client_inference_usage_input_tokens_total", **MINI) == 60
    assert value("gen_ai_client_inference_usage_output_tokens_total", **MINI) == 12
    assert value("aistrale_call_cost_usd_total", provider="openai", model="gpt-4o-mini") == 0.25


def test_it_counts_how_calls_end() -> None:
    observe(call(), CallOutcome(Status.FAILED, error_type="rate_limited"))
    assert value("aistrale_calls_total", provider="openai", status="failed", error_type="rate_limited") == 1


def test_it_counts_retries_by_their_reason() -> None:
    before = value("aistrale_call_retries_total", provider="openai", error_type="rate_limited") or 0
    attempts = ({"error_type": "rate_limited", "wait_seconds": 0.5}, {"error_type": "rate_limited"})
    observe(call(), CallOutcome(Status.FAILED, error_type="rate_limited", attempts=attempts))
    assert value("aistrale_call_retries_total", provider="openai", error_type="rate_limited") == before + 1


def test_unpriced_calls_are_counted_apart() -> None:
    before = value("aistrale_calls_unpriced_total", provider="openai") or 0
    observe(call(model="mine"), CallOutcome(Status.SUCCEEDED, tokens=TokenCounts(input=1)), cost=None)
    assert value("aistrale_calls_unpriced_total", provider="openai") == before + 1


@pytest.mark.parametrize("number", [1, 100])
def test_models_that_nobody_knows_are_one_series(number: int) -> None:
    for made_up in range(number):
        observe(call(model=f"made-up-{made_up}"), CallOutcome(Status.SUCCEEDED))
    [family] = list(metrics.DURATION.collect())
    models = {sample.labels["gen_ai_request_model"] for sample in family.samples}
    assert models == {metrics.OTHER}


def test_providers_are_named_as_the_conventions_name_them() -> None:
    assert (metrics.provider_name("gemini"), metrics.provider_name("echo")) == ("gcp.gemini", "echo")
    assert metrics.provider_name("of-an-older-version") == metrics.OTHER
