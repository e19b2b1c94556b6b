"""Calls by way of the operator's proxy, to hosts whose certificates the operator's own authority has signed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django import Settings
from yarl import URL

from inference.tests.fake_provider import FakeProvider
from inference.tests.providers.calls import WIRE_PROVIDERS, collect, collect_failure, request, text
from inference.tests.tls_proxy import HOST, TlsProxy, make_certificate
from inference.tests.wire import BASE_PATHS
from tokens.outgoing import proxy_for


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return make_certificate(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def proxy(fake: FakeProvider, certificate: tuple[Path, Path], settings: Settings) -> Iterator[TlsProxy]:
    with TlsProxy(URL(fake.url).port or 0, *certificate) as proxy:
        settings.OUTGOING_PROXY, settings.CA_FILE = proxy.url, str(certificate[0])
        yield proxy


@pytest.mark.parametrize("provider", WIRE_PROVIDERS)
async def test_every_sdk_goes_by_way_of_it_and_trusts_the_authority(proxy: TlsProxy, provider: str) -> None:
    events = await collect(provider, request("words-3"), f"https://{HOST}{BASE_PATHS[provider]}")
    assert len(text(events).split()) == 3
    assert set(proxy.asked) == {f"{HOST}:443"}


async def test_without_the_authority_nothing_is_sent(proxy: TlsProxy, fake: FakeProvider, settings: Settings) -> None:
    settings.CA_FILE = ""
    _, error = await collect_failure("openai", request("words-9"), f"https://{HOST}/v1")
    assert error.kind == "connection_lost"
    assert fake.calls("words-9") == []


async def test_hosts_of_no_proxy_are_reached_without_it(
    proxy: TlsProxy, fake: FakeProvider, settings: Settings
) -> None:
    settings.NO_PROXY = ["127.0.0.1"]
    await collect("openai", request("words-3"), fake.base_url("openai"))
    assert proxy.asked == []


@pytest.mark.parametrize(
    ("host", "is_direct"), [("example.org", True), ("a.example.org", True), ("myexample.org", False), ("b.org", False)]
)
def test_no_proxy_names_hosts_with_all_below_them(settings: Settings, host: str, is_direct: bool) -> None:
    settings.OUTGOING_PROXY, settings.NO_PROXY = "http://proxy.example.net:3128", [".example.org", "example.org"]
    assert (proxy_for(URL(f"https://{host}/")) is None) == is_direct
