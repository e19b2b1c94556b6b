"""What Sentry is told, as a server that speaks its language gets it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from functools import partial

import pytest
import sentry_sdk
import structlog
from pytest_django import Settings

from aistrale import sentry
from aistrale.tests.bad_receivers import answer_byte_by_byte, answering, seconds_of
from aistrale.tests.end_to_end.receivers import Receiver, receiving

CANARY = "canary-of-a-prompt-7f3a9b2c"


@pytest.fixture
def receiver(settings: Settings) -> Iterator[Receiver]:
    """While errors are sent to it."""
    root = logging.getLogger()
    before = list(root.handlers)
    with receiving() as receiver:
        settings.SENTRY_DSN = receiver.url.replace("http://", "http://publickey@") + "/1"
        settings.ENVIRONMENT = "staging"
        sentry.begin()
        yield receiver
        root.handlers = before
        sentry_sdk.get_client().close(timeout=2)
        sentry_sdk.get_global_scope().set_client(None)


def received(receiver: Receiver) -> str:
    sentry_sdk.flush(timeout=5)
    return b"".join(receiver.bodies).decode()


def fail_with(text: str) -> None:
    prompt = text
    raise ValueError(f"cannot answer {prompt}")


def test_it_tells_what_failed_and_where(receiver: Receiver) -> None:
    try:
        fail_with(CANARY)
    except ValueError:
        structlog.get_logger("aistrale.example").exception("answer_failed", request_id="r-1", text=CANARY)
    envelope = received(receiver)
    for part in ('"answer_failed"', '"ValueError"', '"fail_with"', '"r-1"', '"staging"', '"aistrale@'):
        assert part in envelope


def test_it_tells_nothing_that_was_said(receiver: Receiver) -> None:
    sentry_sdk.set_user({"email": f"{CANARY}@example.org"})
    sentry_sdk.set_extra("prompt", CANARY)
    sentry_sdk.add_breadcrumb(message=CANARY)
    try:
        fail_with(CANARY)
    except ValueError:
        structlog.get_logger("aistrale.example").exception("answer_failed", text=CANARY, headers={"Cookie": CANARY})
    logging.getLogger("some.library").error("Cannot send %s", CANARY)
    envelope = received(receiver)
    assert '"answer_failed"' in envelope and '"some.library"' in envelope
    assert CANARY not in envelope


def test_it_tells_nothing_without_a_dsn(settings: Settings) -> None:
    handlers = list(logging.getLogger().handlers)
    settings.SENTRY_DSN = ""
    sentry.begin()
    assert logging.getLogger().handlers == handlers and not sentry_sdk.get_client().is_active()


def dropped() -> float:
    return sum(sample.value for sample in list(sentry.DROPPED.collect())[0].samples if sample.name.endswith("_total"))


def test_errors_that_it_does_not_take_are_counted(receiver: Receiver) -> None:
    before = dropped()
    receiver.status = 500
    structlog.get_logger("aistrale.example").error("answer_failed")
    sentry_sdk.flush(timeout=5)
    assert dropped() == before + 1


def test_errors_that_nobody_takes_are_bounded_and_delay_nobody(receiver: Receiver, settings: Settings) -> None:
    with answering(answer_byte_by_byte) as url:
        settings.SENTRY_DSN = url.replace("http://", "http://publickey@") + "/1"
        sentry.begin()
        before = dropped()
        took = sorted(seconds_of(partial(sentry_sdk.capture_event, {"message": str(n)})) for n in range(300))
        assert dropped() - before > 150 and took[150] < 0.005
        assert seconds_of(sentry.end) < 4
