"""Webhooks by way of the operator's proxy, to hosts whose certificates the operator's own authority has signed."""

from __future__ import annotations

from pathlib import Path

from pytest_django import Settings
from yarl import URL

from inference.tests.fake_provider import FakeProvider
from inference.tests.tls_proxy import HOST, TlsProxy, make_certificate
from webhooks import sending


def test_they_take_it_and_trust_the_authority(tmp_path: Path, settings: Settings) -> None:
    certificate = make_certificate(tmp_path)
    with FakeProvider() as receiver, TlsProxy(URL(receiver.url).port or 0, *certificate) as proxy:
        settings.OUTGOING_PROXY, settings.CA_FILE = proxy.url, str(certificate[0])
        answer = sending.post(f"https://{HOST}/hook", body=b"{}", headers={})
    assert answer.status is not None
    assert proxy.asked == [f"{HOST}:443"]
