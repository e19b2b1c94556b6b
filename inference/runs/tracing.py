"""Spans of runs and of their attempts, by the GenAI conventions 0.1.0 of OpenTelemetry.

Without a tracer provider, which ``aistrale.tracing`` sets up where one is configured, all of this does nothing. What
was said is not recorded, unless ``AISTRALE_TRACE_CONTENT`` says so.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.conf import settings
from opentelemetry import trace
from opentelemetry.trace import SpanKind, Status, StatusCode

from inference.providers.errors import ProviderError
from inference.runs.metrics import provider_name
from inference.runs.start import PreparedRun, as_sent

if TYPE_CHECKING:
    from inference.runs.run import CallStats

_tracer = trace.get_tracer("aistrale.runs")
_PARAMETERS = ("temperature", "top_p", "top_k", "max_tokens", "seed", "frequency_penalty", "presence_penalty")


@contextmanager
def run_span(order: PreparedRun) -> Iterator[None]:
    """All attempts at a call, and the storing of its result."""
    with _tracer.start_as_current_span("run", attributes={"aistrale.call.id": str(order.generation_id)}):
        yield


@contextmanager
def attempt_span(order: PreparedRun, record: CallStats) -> Iterator[None]:
    """One attempt. What ``record`` has learned by its end is noted."""
    started_at = datetime.now().astimezone()
    name = f"chat {order.request.model}"
    attributes = _asked(order)
    with _tracer.start_as_current_span(
        name, kind=SpanKind.CLIENT, attributes=attributes, record_exception=False, set_status_on_exception=False
    ) as span:
        try:
            yield
        except ProviderError as error:
            # Not its message: providers quote what was said.
            span.set_attribute("error.type", error.kind)
            span.set_status(Status(StatusCode.ERROR, error.kind))
            raise
        finally:
            if span.is_recording():
                span.set_attributes(_answered(record, started_at))


def note_content(text: str) -> None:
    """The answer, where content is recorded at all."""
    span = trace.get_current_span()
    if settings.TRACE_CONTENT and span.is_recording():
        span.set_attribute("gen_ai.output.messages", _messages([("assistant", text)]))


def _asked(order: PreparedRun) -> dict[str, Any]:
    request = order.request
    given = {name: request.parameters[name] for name in _PARAMETERS if name in request.parameters}
    attributes: dict[str, Any] = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": provider_name(order.provider),
        "gen_ai.request.model": request.model,
        "gen_ai.request.stream": True,
        **{f"gen_ai.request.{name}": value for name, value in given.items()},
    }
    if settings.TRACE_CONTENT:
        sent = [(message.role, message.text) for message in as_sent(request)]
        attributes["gen_ai.input.messages"] = _messages(sent)
    return attributes


def _answered(record: CallStats, started_at: datetime) -> dict[str, Any]:
    attributes: dict[str, Any] = {}
    if record.first_token_at is not None:
        waited = (record.first_token_at - started_at).total_seconds()
        attributes["gen_ai.response.time_to_first_chunk"] = max(0.0, waited)
    if record.finished is not None:
        attributes["gen_ai.response.model"] = record.finished.model
        attributes["gen_ai.response.id"] = record.finished.response_id
        attributes["gen_ai.response.finish_reasons"] = [record.finished.reason.value]
    if (usage := record.usage) is not None:
        attributes["gen_ai.usage.input_tokens"] = usage.input + usage.cache_read + usage.cache_write
        attributes["gen_ai.usage.output_tokens"] = usage.output + usage.reasoning
        attributes["gen_ai.usage.cache_read.input_tokens"] = usage.cache_read
        attributes["gen_ai.usage.cache_write.input_tokens"] = usage.cache_write
        attributes["gen_ai.usage.reasoning.output_tokens"] = usage.reasoning
    return attributes


def _messages(messages: list[tuple[str, str]]) -> str:
    return json.dumps(
        [{"role": role, "parts": [{"type": "text", "content": text}]} for role, text in messages], ensure_ascii=False
    )
