"""Traces by OpenTelemetry, sent by OTLP over HTTP to ``AISTRALE_OTLP_ENDPOINT``; without one, nothing is traced.

A request's span continues the trace that its ``traceparent`` names. Below it are spans of the database, Redis, runs and
their attempts (``inference.runs.tracing``); jobs are traces of their own. Providers are not told of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.core.exceptions import MiddlewareNotUsed
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from django.http import HttpRequest, HttpResponse
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.instrumentation.redis import RedisInstrumentor
from opentelemetry.propagate import extract
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import (
    Decision,
    ParentBased,
    Sampler,
    SamplingResult,
    TraceIdRatioBased,
)
from opentelemetry.trace import SpanKind, Status, StatusCode
from opentelemetry.util.types import Attributes

from aistrale.health_checks import aistrale_version
from aistrale.outbox import SEND_SECONDS, session
from aistrale.span_export import SpanOutbox

LONGEST_STATEMENT = 2000

_tracer = trace.get_tracer("aistrale")


def begin(role: str) -> TracerProvider | None:
    """``role``: web or worker. May be called once in a process; None where no endpoint is configured."""
    if not settings.OTLP_ENDPOINT:
        return None
    # With requests and protobuf it takes a third of a second to import.
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    ratio = sampler(settings.TRACE_RATIO)
    provider = TracerProvider(sampler=ratio, resource=resource_of(role), shutdown_on_exit=False)
    endpoint = f"{settings.OTLP_ENDPOINT.rstrip('/')}/v1/traces"
    exporter = OTLPSpanExporter(endpoint=endpoint, timeout=SEND_SECONDS, session=session())
    provider.add_span_processor(SpanOutbox(exporter))
    trace.set_tracer_provider(provider)
    connection_created.connect(_trace_statements)
    RedisInstrumentor().instrument(tracer_provider=provider)
    return provider


def resource_of(role: str) -> Resource:
    """By what receivers tell processes apart."""
    return Resource.create(
        {
            "service.name": "aistrale",
            "service.namespace": role,
            "service.version": aistrale_version(),
            "deployment.environment.name": settings.ENVIRONMENT,
        }
    )


def sampler(ratio: float) -> Sampler:
    return ParentBased(
        RootSampler(ratio),
        local_parent_not_sampled=UnsampledSampler(),
        remote_parent_not_sampled=UnsampledSampler(),
    )


class RootSampler(Sampler):
    """A share of all traces, the others only in case that they fail; none of what the server asks Redis by itself."""

    def __init__(self, ratio: float) -> None:
        self._ratio = TraceIdRatioBased(ratio)

    def should_sample(
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        *arguments: Any,
        **named: Any,
    ) -> SamplingResult:
        if kind == SpanKind.CLIENT:
            return SamplingResult(Decision.DROP)
        drawn = self._ratio.should_sample(parent_context, trace_id, name, kind, *arguments, **named)
        return drawn if drawn.decision.is_sampled() else SamplingResult(Decision.RECORD_ONLY)

    def get_description(self) -> str:
        return f"RootSampler({self._ratio.rate})"


class UnsampledSampler(Sampler):
    """Of traces that were not drawn: requests, runs, attempts and jobs are recorded, in case that something fails.

    Statements and commands of Redis, which are most of the work, are not.
    """

    def should_sample(
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        *arguments: Any,
        **named: Any,
    ) -> SamplingResult:
        is_attempt = "gen_ai.operation.name" in (attributes or {})
        return SamplingResult(Decision.DROP if kind == SpanKind.CLIENT and not is_attempt else Decision.RECORD_ONLY)

    def get_description(self) -> str:
        return "UnsampledSampler"


class TraceMiddleware:
    """A span for each request, but for those of monitoring."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        if not settings.OTLP_ENDPOINT:
            raise MiddlewareNotUsed
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path_info.startswith("/health/") or request.path_info == "/metrics":
            return self.get_response(request)
        attributes = {"http.request.method": str(request.method), "url.scheme": str(request.scheme)}
        with _tracer.start_as_current_span(
            str(request.method), extract(request.headers), kind=SpanKind.SERVER, attributes=attributes
        ) as span:
            response = self.get_response(request)
            # Not the path: those of invitations and the like are secrets.
            route = request.resolver_match.route if request.resolver_match else ""
            span.update_name(f"{request.method} /{route}")
            span.set_attributes({"http.route": f"/{route}", "http.response.status_code": response.status_code})
            if response.status_code >= 500:
                span.set_status(Status(StatusCode.ERROR))
            return response


@contextmanager
def job_span(task: str, job_id: int | None) -> Iterator[None]:
    attributes = {"messaging.system": "procrastinate", "messaging.message.id": str(job_id)}
    with _tracer.start_as_current_span(f"job {task}", kind=SpanKind.CONSUMER, attributes=attributes):
        yield


def _trace_statements(connection: BaseDatabaseWrapper, **_: Any) -> None:
    if _statement_span not in connection.execute_wrappers:
        connection.execute_wrappers.append(_statement_span)


def _statement_span(execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: Any) -> Any:
    """Of the statement with its placeholders; the values stay here."""
    if not trace.get_current_span().get_span_context().trace_flags.sampled:
        return execute(sql, params, many, context)
    text = str(sql)
    words: Sequence[str] = text.split(maxsplit=1)
    attributes = {"db.system.name": "postgresql", "db.query.text": text[:LONGEST_STATEMENT]}
    name = words[0].upper() if words else "statement"
    with _tracer.start_as_current_span(name, kind=SpanKind.CLIENT, attributes=attributes, record_exception=False):
        return execute(sql, params, many, context)
