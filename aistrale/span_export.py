"""What becomes of spans that have ended: they are sent (``aistrale.outbox``), or not.

Of traces that were not drawn, those with an error are sent as well: their spans wait here, in bounded room, until the
trace ends in this process.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from threading import Lock

from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import SpanContext, StatusCode, TraceFlags
from prometheus_client import Counter

from aistrale.outbox import QUEUED, Outbox, drop_counter

# Of traces that were not drawn and go on.
MOST_TRACES = 512
MOST_SPANS = 64

SENT = Counter("aistrale_spans_sent", "Spans of traces that the receiver has taken")
DROPPED = drop_counter("aistrale_spans_dropped", "Spans of traces that were not sent")


class SpanOutbox(SpanProcessor):
    """Takes microseconds of whoever ends a span, whatever the receiver does."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._outbox = Outbox(SENT, DROPPED)
        self._lock = Lock()
        self._unsampled: OrderedDict[int, list[ReadableSpan]] = OrderedDict()
        self._batches = BatchSpanProcessor(_CountedExporter(exporter, self._outbox), max_queue_size=QUEUED)

    def on_end(self, span: ReadableSpan) -> None:
        if span.context is None:
            return
        if span.context.trace_flags.sampled:
            self._offer(span)
        else:
            for kept in self._with_error(span, span.context.trace_id):
                self._offer(_sampled(kept, kept.context or span.context))

    def shutdown(self) -> None:
        self._outbox.end(self._batches.shutdown)

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return self._batches.force_flush(timeout_millis)

    @property
    def held_traces(self) -> int:
        """Of those that were not drawn, how many may still fail."""
        return len(self._unsampled)

    def _offer(self, span: ReadableSpan) -> None:
        if self._outbox.admit():
            self._batches.on_end(span)

    def _with_error(self, span: ReadableSpan, trace_id: int) -> list[ReadableSpan]:
        """All spans of the trace, once it ends and if one of them has failed."""
        with self._lock:
            spans = self._unsampled.setdefault(trace_id, [])
            if len(spans) < MOST_SPANS:
                spans.append(span)
            if span.parent is None or span.parent.is_remote:
                del self._unsampled[trace_id]
                return spans if any(one.status.status_code is StatusCode.ERROR for one in spans) else []
            if len(self._unsampled) > MOST_TRACES:
                self._unsampled.popitem(last=False)
        return []


class _CountedExporter(SpanExporter):
    def __init__(self, exporter: SpanExporter, outbox: Outbox) -> None:
        self._exporter = exporter
        self._outbox = outbox

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        success, failure = SpanExportResult.SUCCESS, SpanExportResult.FAILURE
        return self._outbox.send(spans, self._exporter.export, success=success, failure=failure)

    def shutdown(self) -> None:
        self._exporter.shutdown()


def _sampled(span: ReadableSpan, context: SpanContext) -> ReadableSpan:
    """The same, as if its trace had been drawn."""
    return ReadableSpan(
        span.name,
        context=SpanContext(context.trace_id, context.span_id, context.is_remote, TraceFlags(TraceFlags.SAMPLED)),
        parent=span.parent,
        resource=span.resource,
        attributes=span.attributes,
        events=span.events,
        links=span.links,
        kind=span.kind,
        status=span.status,
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )
