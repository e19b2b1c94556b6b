"""Which log lines are sent by OTLP, and what receivers that are away, slow or lying cost."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import structlog
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk.trace import TracerProvider
from pytest_django import Settings

from aistrale import log_export
from aistrale.log_export import DROPPED, SENT
from aistrale.outbox import END_SECONDS, NOT_TAKEN, QUEUE_FULL, QUEUED, SEND_SECONDS
from aistrale.tests.bad_receivers import TAKING_NOTHING, answer_byte_by_byte, answering, seconds_of
from aistrale.tests.end_to_end.receivers import Receiver, receiving
from aistrale.tests.end_to_end.site_runs import until

MOST_ADDED_SECONDS = 0.001
SECRET = "sk-proj-canary7f3a9b2c4d5e6f70"


@contextmanager
def sending_to(url: str, settings: Settings) -> Iterator[LoggerProvider]:
    """The log of this process."""
    loggers = [logging.getLogger(name) for name in ("", "django.security")]
    before = [list(logger.handlers) for logger in loggers]
    settings.OTLP_LOGS_ENDPOINT = url
    provider = log_export.begin("web")
    assert provider
    try:
        yield provider
    finally:
        for logger, handlers in zip(loggers, before, strict=True):
            logger.handlers = handlers
        provider.shutdown()


@pytest.fixture
def receiver(settings: Settings) -> Iterator[tuple[Receiver, LoggerProvider]]:
    with receiving() as receiver, sending_to(f"{receiver.url}/otlp", settings) as provider:
        yield receiver, provider


@pytest.fixture
def counted() -> Callable[[], dict[str, float]]:
    """What has been counted since the test began."""
    counters = {"sent": SENT, **{reason: DROPPED.labels(reason) for reason in (QUEUE_FULL, NOT_TAKEN)}}

    def counts() -> dict[str, float]:
        return {name: list(counter.collect())[0].samples[0].value for name, counter in counters.items()}

    before = counts()
    return lambda: {name: value - before[name] for name, value in counts().items()}


def warn(text: str = "all is well") -> None:
    structlog.stdlib.get_logger("aistrale.example").warning("answer_late", text=text)


def test_it_sends_the_line_with_its_trace(receiver: tuple[Receiver, LoggerProvider]) -> None:
    with TracerProvider(shutdown_on_exit=False).get_tracer("test").start_as_current_span("GET /") as span:
        warn()
    receiver[1].force_flush()
    [line] = receiver[0].log_lines()
    body = json.loads(line.body.string_value)
    assert receiver[0].paths == ["/otlp/v1/logs"]
    assert (body["event"], body["level"], line.severity_text) == ("answer_late", "warning", "WARNING")
    assert body["trace_id"] == line.trace_id.hex() == f"{span.get_span_context().trace_id:032x}"


def test_no_text_forges_a_line_and_no_secret_is_sent(receiver: tuple[Receiver, LoggerProvider]) -> None:
    text = f'\n{{"event": "forged"}}\r\x1b[2J\u2028"}} {SECRET}'
    warn(text)
    logging.getLogger("some.library").error("Cannot send %s", text)
    receiver[1].force_flush()
    lines = [line.body.string_value for line in receiver[0].log_lines()]
    assert [json.loads(line)["event"][:12] for line in lines] == ["answer_late", "Cannot send "]
    assert not any(mark in line for line in lines for mark in ("\n", "\r", "\x1b", SECRET))


def test_what_the_sending_logs_is_not_sent(receiver: tuple[Receiver, LoggerProvider]) -> None:
    logging.getLogger("opentelemetry.sdk").error("Cannot export")
    logging.getLogger("urllib3.connectionpool").error("Retrying")
    receiver[1].force_flush()
    assert receiver[0].log_lines() == []


def test_what_was_sent_is_counted(
    receiver: tuple[Receiver, LoggerProvider], counted: Callable[[], dict[str, float]]
) -> None:
    warn()
    receiver[1].force_flush()
    assert counted() == {"sent": 1, QUEUE_FULL: 0, NOT_TAKEN: 0}


def added_seconds(lines: int) -> list[float]:
    """By which each line takes longer because it is sent."""
    [handler] = [one for one in logging.getLogger().handlers if isinstance(one, log_export.OtlpHandler)]
    record = logging.makeLogRecord({"name": "aistrale", "levelno": logging.INFO, "levelname": "INFO", "msg": "well"})
    return sorted(seconds_of(lambda: handler.emit(record)) for _ in range(lines))


@pytest.mark.parametrize("name", TAKING_NOTHING)
def test_a_receiver_that_takes_nothing_costs_requests_nothing(
    name: str, settings: Settings, counted: Callable[[], dict[str, float]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_export, "SEND_SECONDS", 0.5)
    lines = QUEUED + 2000
    with TAKING_NOTHING[name]() as url, sending_to(url, settings):
        took = added_seconds(lines)
        until(lambda: counted()[NOT_TAKEN] > 0)
        found = counted()
    assert took[len(took) // 2] < MOST_ADDED_SECONDS and took[int(len(took) * 0.95)] < MOST_ADDED_SECONDS
    assert found["sent"] == 0 and 0 < found[NOT_TAKEN] + found[QUEUE_FULL] <= lines


def test_a_receiver_that_never_ends_its_answer_keeps_no_process_from_its_end(settings: Settings) -> None:
    with answering(answer_byte_by_byte) as url, sending_to(url, settings) as provider:
        for _ in range(1000):
            warn()
        assert seconds_of(provider.shutdown) < END_SECONDS + SEND_SECONDS + 1


def test_nothing_is_sent_without_an_endpoint(settings: Settings) -> None:
    handlers = list(logging.getLogger().handlers)
    assert log_export.begin("web") is None and logging.getLogger().handlers == handlers
