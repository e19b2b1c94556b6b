"""Which spans are sent, and what receivers that are away, slow or lying cost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import SpanKind, Status, StatusCode, Tracer

from aistrale.outbox import END_SECONDS, NOT_TAKEN, QUEUE_FULL, QUEUED, SEND_SECONDS, session
from aistrale.span_export import DROPPED, MOST_TRACES, SENT, SpanOutbox
from aistrale.tests.bad_receivers import TAKING_NOTHING, answer_byte_by_byte, answer_without_end, answering, seconds_of
from aistrale.tests.end_to_end.receivers import Receiver, receiving
from aistrale.tests.end_to_end.site_runs import until
from aistrale.tests.silent import silent_server
from aistrale.tracing import sampler

# Of one request, for whatever a receiver does.
MOST_ADDED_SECONDS = 0.001


@contextmanager
def sending_to(url: str, *, ratio: float, timeout: float = 5) -> Iterator[tuple[Tracer, TracerProvider]]:
    provider = TracerProvider(sampler=sampler(ratio), shutdown_on_exit=False)
    exporter = OTLPSpanExporter(endpoint=f"{url}/v1/traces", timeout=timeout, session=session())
    provider.add_span_processor(SpanOutbox(exporter))
    yield provider.get_tracer("test"), provider
    # What still waits is not waited for.
    exporter.shutdown()
    provider.shutdown()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


def counts() -> dict[str, float]:
    counters = {"sent": SENT, **{reason: DROPPED.labels(reason) for reason in (QUEUE_FULL, NOT_TAKEN)}}
    return {name: list(counter.collect())[0].samples[0].value for name, counter in counters.items()}


@pytest.fixture
def counted() -> Callable[[], dict[str, float]]:
    """What has been counted since the test began."""
    before = counts()
    return lambda: {name: value - before[name] for name, value in counts().items()}


def fail(tracer: Tracer) -> None:
    with tracer.start_as_current_span("GET /", kind=SpanKind.SERVER):
        with tracer.start_as_current_span("SELECT", kind=SpanKind.CLIENT):
            pass
        attributes = {"gen_ai.operation.name": "chat"}
        with tracer.start_as_current_span("chat", kind=SpanKind.CLIENT, attributes=attributes) as attempt:
            attempt.set_status(Status(StatusCode.ERROR))


def test_traces_with_an_error_are_sent_though_they_were_not_drawn(receiver: Receiver) -> None:
    with sending_to(receiver.url, ratio=0) as (tracer, provider):
        with tracer.start_as_current_span("GET /well", kind=SpanKind.SERVER):
            pass
        fail(tracer)
        provider.force_flush()
    assert [span.name for span in receiver.spans()] == ["chat", "GET /"]
    assert receiver.spans()[0].parent_span_id == receiver.spans()[1].span_id


def test_traces_that_never_end_here_take_bounded_room(receiver: Receiver) -> None:
    outbox = SpanOutbox(OTLPSpanExporter(endpoint=f"{receiver.url}/v1/traces"))
    provider = TracerProvider(sampler=sampler(0), shutdown_on_exit=False)
    provider.add_span_processor(outbox)
    tracer = provider.get_tracer("test")
    for _ in range(2 * MOST_TRACES):
        # A part of the whole ends, and the whole does not.
        with tracer.start_as_current_span("GET /", kind=SpanKind.SERVER, end_on_exit=False):
            tracer.start_span("part").end()
    assert outbox.held_traces <= MOST_TRACES
    provider.shutdown()


def test_what_was_sent_is_counted(receiver: Receiver, counted: Callable[[], dict[str, float]]) -> None:
    with sending_to(receiver.url, ratio=1) as (tracer, provider):
        fail(tracer)
        provider.force_flush()
    assert counted() == {"sent": 3, QUEUE_FULL: 0, NOT_TAKEN: 0}


@pytest.mark.parametrize("name", TAKING_NOTHING)
def test_a_receiver_that_takes_nothing_costs_requests_nothing(
    name: str, counted: Callable[[], dict[str, float]]
) -> None:
    spans = QUEUED + 2000
    with TAKING_NOTHING[name]() as url, sending_to(url, ratio=1, timeout=0.5) as (tracer, _):
        took = sorted(seconds_to_end_a_span(tracer) for _ in range(spans))
        until(lambda: counted()[NOT_TAKEN] > 0)
        found = counted()
    assert took[len(took) // 2] < MOST_ADDED_SECONDS and took[int(len(took) * 0.95)] < MOST_ADDED_SECONDS
    assert found["sent"] == 0 and 0 < found[NOT_TAKEN] + found[QUEUE_FULL] <= spans


def test_an_answer_without_end_is_not_read(counted: Callable[[], dict[str, float]]) -> None:
    with answering(answer_without_end) as url, sending_to(url, ratio=1) as (tracer, provider):
        fail(tracer)
        assert seconds_of(provider.force_flush) < 2
    assert counted()["sent"] == 3


def test_a_receiver_that_never_ends_its_answer_keeps_no_process_from_its_end() -> None:
    with answering(answer_byte_by_byte) as url:
        provider = TracerProvider(sampler=sampler(1), shutdown_on_exit=False)
        exporter = OTLPSpanExporter(endpoint=f"{url}/v1/traces", timeout=SEND_SECONDS, session=session())
        provider.add_span_processor(SpanOutbox(exporter))
        for _ in range(2000):
            provider.get_tracer("test").start_span("GET /").end()
        assert seconds_of(provider.shutdown) < END_SECONDS + SEND_SECONDS + 1


def test_what_does_not_fit_is_dropped_and_counted(counted: Callable[[], dict[str, float]]) -> None:
    with silent_server() as url, sending_to(url, ratio=1, timeout=20) as (tracer, _):
        for _ in range(QUEUED + 2000):
            seconds_to_end_a_span(tracer)
        # A batch is on its way.
        assert 2000 - 512 <= counted()[QUEUE_FULL] <= 2000


def seconds_to_end_a_span(tracer: Tracer) -> float:
    return seconds_of(tracer.start_span("GET /", kind=SpanKind.SERVER).end)
