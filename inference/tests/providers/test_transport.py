"""The rules for every call, whichever SDK makes it."""

from __future__ import annotations

import asyncio
import gzip
import ssl
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from inference.providers.errors import BadRequest, ConnectionLost, ProviderError, StreamBroken
from inference.providers.registry import get_adapter
from inference.tests.fake_provider import FakeProvider, Script
from inference.tests.providers.calls import KEY, WIRE_PROVIDERS, collect, collect_failure, request

on_every_wire = pytest.mark.parametrize("provider", WIRE_PROVIDERS)


@pytest.fixture
def elsewhere() -> Iterator[FakeProvider]:
    with FakeProvider() as provider:
        yield provider


@on_every_wire
@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_it_follows_no_redirect(fake: FakeProvider, elsewhere: FakeProvider, provider: str, status: int) -> None:
    fake.script(f"moved-{provider}", Script(status=status, headers={"location": f"{elsewhere.url}/v1/x"}))
    _, error = await collect_failure(provider, request(f"moved-{provider}"), fake.base_url(provider))
    assert type(error) is BadRequest
    assert not elsewhere.exchanges


@on_every_wire
async def test_it_refuses_compressed_answers(fake: FakeProvider, provider: str) -> None:
    bomb = gzip.compress(b"data: " + b"x" * 50_000_000)
    fake.script(f"zip-{provider}", Script((bomb,), headers={"content-encoding": "gzip"}))
    _, error = await collect_failure(provider, request(f"zip-{provider}"), fake.base_url(provider))
    assert type(error) is StreamBroken


@on_every_wire
async def test_it_caps_the_body_of_an_error(fake: FakeProvider, provider: str) -> None:
    endless = Script((b"x" * 100_000,), status=500, content_type="application/json", repeat=True)
    fake.script(f"big-{provider}", endless)
    _, error = await collect_failure(provider, request(f"big-{provider}"), fake.base_url(provider))
    assert type(error) is StreamBroken and "more than 8,000,000 bytes" in error.message
    assert await asyncio.to_thread(fake.last(f"big-{provider}").closed.wait, 1)


@pytest.fixture
async def untrusted_port(tmp_path: Path) -> AsyncIterator[int]:
    """A server with a certificate that it has signed itself."""
    private = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, private.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(private, hashes.SHA256())
    )
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    chain = tmp_path / "chain.pem"
    chain.write_bytes(
        private.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain) + certificate.public_bytes(pem)
    )
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(chain)
    server = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 0, ssl=context)
    async with server:
        yield server.sockets[0].getsockname()[1]


@on_every_wire
async def test_it_trusts_no_certificate_of_its_own_making(untrusted_port: int, provider: str) -> None:
    _, error = await collect_failure(provider, request("any"), f"https://127.0.0.1:{untrusted_port}/v1")
    assert type(error) is ConnectionLost
    assert "certificate" in error.message


@on_every_wire
async def test_it_keeps_no_cookies(fake: FakeProvider, provider: str) -> None:
    fake.script(f"cookie-{provider}", Script(status=500, headers={"set-cookie": "session=of-another-user; Path=/"}))
    await collect_failure(provider, request(f"cookie-{provider}"), fake.base_url(provider))
    await collect(provider, request("words-6"), fake.base_url(provider))
    assert "cookie" not in fake.last("words-6").headers


@on_every_wire
@pytest.mark.parametrize("base_url", ["nonsense", "ftp://127.0.0.1/v1", "http://", "http://[::1/v1"])
async def test_it_raises_nothing_else_for_an_address_that_is_none(provider: str, base_url: str) -> None:
    _, error = await collect_failure(provider, request("any"), base_url)
    assert isinstance(error, ProviderError)
    assert not error.retryable or isinstance(error, ConnectionLost)


@on_every_wire
@pytest.mark.parametrize("key", ["line\nbreak-in-key", "kéy-nön-äscii", " "])
async def test_it_raises_nothing_else_for_a_key_that_is_none(fake: FakeProvider, provider: str, key: str) -> None:
    adapter = get_adapter(provider)
    try:
        await adapter.check(api_key=key, base_url=fake.base_url(provider))
    except ProviderError as error:
        assert key.strip() == "" or key not in error.message


@on_every_wire
async def test_it_lists_models_with_the_context_the_provider_tells(fake: FakeProvider, provider: str) -> None:
    models = await get_adapter(provider).list_models(api_key=KEY, base_url=fake.base_url(provider))
    told = {"groq": 8192, "gemini": 1_048_576}.get(provider)
    assert [(model.id, model.context_tokens) for model in models] == [("fake-large", told), ("fake-small", told)]
