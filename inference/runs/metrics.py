"""Calls in figures, for Prometheus: the GenAI conventions 0.1.0 of OpenTelemetry in its notation, and some of our own.

https://github.com/open-telemetry/semantic-conventions-genai/blob/v0.1.0/docs/gen-ai/client-inference.md

Each process counts the calls that it makes. Labels are bounded: models that the price list does not know are "other".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

from opentelemetry import trace
from prometheus_client import Counter, Gauge, Histogram

from accounts.providers import PROVIDERS
from telemetry import pricing
from telemetry.models import Generation, Status
from telemetry.pricing import TokenCounts
from telemetry.services import CallOutcome

OTHER = "other"
# As the convention wants them, in seconds: 10 ms to 82 s.
BUCKETS = tuple(0.01 * 2**power for power in range(14))
# Where a provider has a name of its own in the conventions.
_PROVIDER_NAMES = {"gemini": "gcp.gemini", "mistral": "mistral_ai"}
_LABELS = ("gen_ai_operation_name", "gen_ai_provider_name", "gen_ai_request_model")
_INFERENCE = "gen_ai_client_inference"

DURATION = Histogram(
    f"{_INFERENCE}_duration_seconds", "From a call to its end", (*_LABELS, "error_type"), buckets=BUCKETS
)
FIRST_CHUNK = Histogram(f"{_INFERENCE}_time_to_first_chunk_seconds", "To the first token", _LABELS, buckets=BUCKETS)
OUTPUT_CHUNK = Histogram(
    f"{_INFERENCE}_time_per_output_chunk_seconds", "Between a chunk and the one before it", _LABELS, buckets=BUCKETS
)
INPUT = Counter(f"{_INFERENCE}_usage_input_tokens", "Input tokens, cached ones included", _LABELS)
OUTPUT = Counter(f"{_INFERENCE}_usage_output_tokens", "Output tokens, reasoning included", _LABELS)
CACHE_READ = Counter(f"{_INFERENCE}_usage_cache_read_input_tokens", "Input tokens read from a cache", _LABELS)
CACHE_WRITE = Counter(f"{_INFERENCE}_usage_cache_write_input_tokens", "Input tokens written to a cache", _LABELS)
REASONING = Counter(f"{_INFERENCE}_usage_reasoning_output_tokens", "Output tokens of reasoning", _LABELS)

CALLS = Counter("aistrale_calls", "Calls that ended", ("provider", "status", "error_type"))
COST = Counter("aistrale_call_cost_usd", "What calls cost, as far as prices are known", ("provider", "model"))
UNPRICED = Counter("aistrale_calls_unpriced", "Calls that used tokens of unknown price", ("provider",))
RETRIES = Counter("aistrale_call_retries", "Attempts after a failed one", ("provider", "error_type"))
RUNNING = Gauge("aistrale_calls_running", "Calls that this process is making")

# So that even the first of them is an increase.
for _provider in PROVIDERS:
    CALLS.labels(_provider, Status.SUCCEEDED.value, "")
    UNPRICED.labels(_provider)


def provider_name(provider: str) -> str:
    """In the conventions; providers without a name there keep ours."""
    return _PROVIDER_NAMES.get(provider, provider) if provider in PROVIDERS else OTHER


@lru_cache(maxsize=1024)
def model_name(provider: str, model: str, base_url: str) -> str:
    """The price list's name of a model, whatever its date or alias."""
    if provider in PROVIDERS and PROVIDERS[provider].is_free:
        return provider
    return pricing.listed_name(provider, model, base_url=base_url) or OTHER


def observe_call(call: Generation, outcome: CallOutcome, *, ended_at: datetime, cost_usd: Decimal | None) -> None:
    """Once for each call, when its end is stored."""
    name = model_name(call.provider, call.request_model, call.base_url)
    labels = _labels(call.provider, name)
    CALLS.labels(call.provider, outcome.status, outcome.error_type).inc()
    trace_of_call = _exemplar()
    DURATION.labels(*labels, outcome.error_type).observe(_seconds(call.started_at, ended_at), trace_of_call)
    if outcome.first_token_at is not None:
        FIRST_CHUNK.labels(*labels).observe(_seconds(call.started_at, outcome.first_token_at), trace_of_call)
    _observe_retries(call.provider, outcome.attempts)
    if outcome.tokens is not None:
        _observe_usage(labels, outcome.tokens)
        if cost_usd is None:
            UNPRICED.labels(call.provider).inc()
        else:
            COST.labels(call.provider, name).inc(float(cost_usd))


def _exemplar() -> dict[str, str] | None:
    """The trace of what goes on, if it is one that is sent."""
    context = trace.get_current_span().get_span_context()
    return {"trace_id": f"{context.trace_id:032x}"} if context.trace_flags.sampled else None


def observe_abandoned(call: Generation, outcome: CallOutcome) -> None:
    """A call that is ended in the records by another process than its own: nobody knows how long it took."""
    CALLS.labels(call.provider, outcome.status, outcome.error_type).inc()


@lru_cache(maxsize=1024)
def output_chunks(provider: str, model: str, base_url: str) -> Callable[[float], None]:
    """Takes the seconds between two chunks of a call to this model."""
    return OUTPUT_CHUNK.labels(*_labels(provider, model_name(provider, model, base_url))).observe


def _labels(provider: str, name: str) -> tuple[str, str, str]:
    return "chat", provider_name(provider), name


def _observe_retries(provider: str, attempts: Sequence[Mapping[str, Any]]) -> None:
    for attempt in attempts:
        if "wait_seconds" in attempt:
            RETRIES.labels(provider, attempt["error_type"]).inc()


def _observe_usage(labels: tuple[str, ...], tokens: TokenCounts) -> None:
    INPUT.labels(*labels).inc(tokens.total_input)
    OUTPUT.labels(*labels).inc(tokens.output + tokens.reasoning)
    CACHE_READ.labels(*labels).inc(tokens.cache_read)
    CACHE_WRITE.labels(*labels).inc(tokens.cache_write)
    REASONING.labels(*labels).inc(tokens.reasoning)


def _seconds(start: datetime, end: datetime) -> float:
    return max(0.0, (end - start).total_seconds())
