"""Single sign-on, Sentry, traces, logs and checkpoints by way of the operator's proxy, trusting only its authority."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import sentry_sdk
from django.test import Client
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from pytest_django import Settings

from accounts.models import User
from accounts.tests.sso import point_at
from accounts.tests.test_sso_failures import Provider, come_back, provider
from aistrale import outgoing, sentry
from aistrale.outbox import session
from aistrale.span_export import SpanOutbox
from aistrale.tests.end_to_end.receivers import Receiver, receiving
from aistrale.tests.test_log_export import sending_to, warn
from audit import checkpoint, checkpointer
from inference.tests.tls_proxy import HOST, TlsProxy, make_certificate

__all__ = ["provider"]

URL = f"https://{HOST}"
PORT = f"{HOST}:443"
NAMES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
ByProxy = Callable[[int], Any]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return make_certificate(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def by_proxy(certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> ByProxy:
    """`with by_proxy(port) as proxy:` HOST is what listens at the port of this machine."""
    for name in (*NAMES, *map(str.lower, NAMES), "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")

    @contextmanager
    def published(port: int) -> Iterator[TlsProxy]:
        with TlsProxy(port, *certificate) as proxy:
            outgoing.publish(proxy=proxy.url, no_proxy=outgoing.LOCAL, ca_file=str(certificate[0]))
            yield proxy

    return published


def test_single_sign_on_takes_it(
    by_proxy: ByProxy, client: Client, db: None, provider: Provider, settings: Settings
) -> None:
    port = int(provider.url.rpartition(":")[2])
    provider.url = URL
    point_at(URL, settings)
    with by_proxy(port) as proxy:
        come_back(client)
    assert User.objects.get().email == "alice@example.org"
    assert len(proxy.asked) >= 3 and set(proxy.asked) == {PORT}


def test_sentry_takes_it(by_proxy: ByProxy, settings: Settings) -> None:
    root = logging.getLogger()
    before = list(root.handlers)
    with receiving() as receiver, by_proxy(receiver.server_port) as proxy:
        settings.SENTRY_DSN = f"https://publickey@{HOST}/1"
        sentry.begin()
        logging.getLogger("some.library").error("something failed")
        sentry_sdk.flush(timeout=5)
        root.handlers = before
        sentry_sdk.get_client().close(timeout=2)
        sentry_sdk.get_global_scope().set_client(None)
    assert b"some.library" in b"".join(receiver.bodies)
    assert set(proxy.asked) == {PORT}


def test_traces_take_it(by_proxy: ByProxy) -> None:
    with receiving() as receiver, by_proxy(receiver.server_port) as proxy:
        tracing = TracerProvider(shutdown_on_exit=False)
        tracing.add_span_processor(SpanOutbox(OTLPSpanExporter(endpoint=f"{URL}/v1/traces", session=session())))
        tracing.get_tracer("test").start_span("GET /").end()
        tracing.shutdown()
    assert [span.name for span in receiver.spans()] == ["GET /"] and set(proxy.asked) == {PORT}


def test_logs_take_it(by_proxy: ByProxy, settings: Settings) -> None:
    with receiving() as receiver, by_proxy(receiver.server_port) as proxy, sending_to(URL, settings) as logs:
        warn()
        logs.force_flush()
    assert len(receiver.log_lines()) == 1 and set(proxy.asked) == {PORT}


def test_checkpoints_take_it(by_proxy: ByProxy, settings: Settings, tmp_path: Path) -> None:
    settings.CHECKPOINT_DIR, settings.CHECKPOINT_URL = tmp_path, f"{URL}/checkpoints"
    checkpoint.file_of(tmp_path, 7).write_text("{}")
    with receiving() as receiver, by_proxy(receiver.server_port) as proxy:
        assert checkpointer.send_newest()
    assert receiver.bodies == [b"{}"] and set(proxy.asked) == {PORT}


def test_proxies_of_the_environment_are_not_taken(by_proxy: ByProxy) -> None:
    outgoing.publish(proxy="", no_proxy=(), ca_file="")
    assert not [name for name in os.environ if name.upper() in NAMES]


def test_without_the_authority_nothing_is_sent(by_proxy: ByProxy, monkeypatch: pytest.MonkeyPatch) -> None:
    with receiving() as receiver, by_proxy(receiver.server_port):
        monkeypatch.delenv("SSL_CERT_FILE")
        monkeypatch.delenv("REQUESTS_CA_BUNDLE")
        answer = session()
        with pytest.raises(OSError, match="certificate"):
            answer.post(f"{URL}/v1/logs", data=b"")
    assert received_nothing(receiver)


def received_nothing(receiver: Receiver) -> bool:
    return receiver.bodies == []
