"""What doctor and the system page say of those who are sent something from here."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest
from django.test import Client
from pytest_django import Settings

from accounts.models import User
from aistrale import health_checks
from aistrale.embedded.state import free_port
from aistrale.findings import Finding
from aistrale.tests.end_to_end.receivers import Receiver, receiving
from aistrale.tests.silent import silent_server

RECEIVERS = {"Outgoing", "Metrics", "Traces", "Logs", "Errors"}


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


def found() -> dict[str, Finding]:
    return {finding.name: finding for finding in health_checks.receiver_findings() if finding.name in RECEIVERS}


def configure(settings: Settings, url: str) -> None:
    settings.OTLP_ENDPOINT = settings.OTLP_LOGS_ENDPOINT = url
    settings.SENTRY_DSN = url.replace("http://", "http://publickey@") + "/1"


def test_what_is_not_configured_is_off() -> None:
    assert {finding.detail for finding in found().values()} == {"off", "directly"}


def test_receivers_that_answer_are_well_and_keep_nothing(settings: Settings, receiver: Receiver) -> None:
    configure(settings, receiver.url)
    assert all(finding.ok for finding in found().values())
    assert sorted(len(body.splitlines()) for body in receiver.bodies) == [0, 0, 3]
    assert b"client_report" in b"".join(receiver.bodies)


def test_receivers_that_are_away_are_named(settings: Settings) -> None:
    port = free_port()
    configure(settings, f"http://127.0.0.1:{port}")
    settings.OUTGOING_PROXY = f"http://user:planted@127.0.0.1:{port}"
    settings.CA_FILE = "/nowhere.pem"
    problems = {name: finding.detail for name, finding in found().items() if not finding.ok}
    assert set(problems) == {"Outgoing", "Traces", "Logs", "Errors"}
    assert "/nowhere.pem" in problems["Outgoing"]
    assert f"127.0.0.1:{port} does not answer" in problems["Traces"] and "planted" not in str(problems)


def test_receivers_that_hang_are_waited_for_a_few_seconds_together(settings: Settings) -> None:
    with silent_server() as url:
        configure(settings, url)
        began = time.monotonic()
        assert not found()["Traces"].ok and not found()["Errors"].ok
    assert time.monotonic() - began < 10


def test_a_receiver_that_refuses_what_it_is_sent_is_no_receiver(settings: Settings, receiver: Receiver) -> None:
    receiver.status = 403
    configure(settings, receiver.url)
    assert "refuses what it is sent (403): check AISTRALE_SENTRY_DSN" in found()["Errors"].detail


def test_a_dsn_that_is_none_is_named_without_its_content(settings: Settings) -> None:
    settings.SENTRY_DSN = "planted"
    assert "AISTRALE_SENTRY_DSN is no DSN" in found()["Errors"].detail and "planted" not in found()["Errors"].detail


def test_a_short_token_is_warned_of(settings: Settings) -> None:
    settings.METRICS_TOKEN = "short"
    assert found()["Metrics"].warning


@pytest.mark.django_db
def test_the_system_page_shows_the_same(client_of: Callable[[User], Client], admin: User, settings: Settings) -> None:
    settings.OTLP_ENDPOINT = f"http://127.0.0.1:{free_port()}"
    assert "check AISTRALE_OTLP_ENDPOINT" in client_of(admin).get("/system/").content.decode()
