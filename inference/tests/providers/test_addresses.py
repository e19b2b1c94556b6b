"""Calls go to public addresses and to hosts that the operator trusts, whatever a name resolves to, and when."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from pytest_django.fixtures import Settings

from inference.providers.errors import BadRequest, ConnectionLost
from inference.tests.fake_provider import FakeProvider
from inference.tests.providers.calls import WIRE_PROVIDERS, collect, collect_failure, request

# Hosts that the environment does not list are looked for in the database.
pytestmark = pytest.mark.django_db

NAME = "changes-its-mind.example"
PUBLIC, PRIVATE = "8.8.8.8", "127.0.0.1"


@pytest.fixture
def private() -> Iterator[FakeProvider]:
    with FakeProvider() as provider:
        yield provider


class Names:
    """What the machine's resolver answers: for our name the next address each time, the last one for ever."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.addresses: list[str] = []
        self._ask = socket.getaddrinfo
        patch.setattr(socket, "getaddrinfo", self._answer)

    def _answer(self, host: Any, port: Any, *args: Any, **kwargs: Any) -> Any:
        if host != NAME:
            return self._ask(host, port, *args, **kwargs)
        address = self.addresses.pop(0) if len(self.addresses) > 1 else self.addresses[0]
        return self._ask(address, port, *args, **kwargs)


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Names:
    return Names(monkeypatch)


def at(host: str, provider: FakeProvider, name: str) -> str:
    """The base URL of a provider, by another name of its host."""
    url = urlsplit(provider.base_url(name))
    return url._replace(netloc=f"{host}:{url.port}").geturl()


@pytest.mark.parametrize("provider", WIRE_PROVIDERS)
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", NAME])
async def test_it_does_not_call_a_private_address(
    private: FakeProvider, names: Names, settings: Settings, host: str, provider: str
) -> None:
    names.addresses, settings.PROVIDER_HOSTS = [PRIVATE], []
    _, error = await collect_failure(provider, request("words-1"), at(host, private, provider))
    assert type(error) is BadRequest
    assert "not on the public internet" in error.message and not error.retryable
    assert not private.exchanges


@pytest.mark.parametrize("host", ["2130706433", "127.1", "0x7f000001", "0177.0.0.1"])
async def test_it_does_not_call_a_private_address_in_disguise(
    private: FakeProvider, settings: Settings, host: str
) -> None:
    settings.PROVIDER_HOSTS = []
    _, error = await collect_failure("openai", request("words-1"), at(host, private, "openai"))
    assert not error.retryable
    assert not private.exchanges


async def test_it_connects_to_the_address_that_it_checked(
    private: FakeProvider, names: Names, settings: Settings
) -> None:
    names.addresses, settings.PROVIDER_HOSTS = [PUBLIC, PRIVATE], []
    _, error = await collect_failure("openai", request("words-1"), at(NAME, private, "openai"))
    assert not private.exchanges
    assert type(error) is not BadRequest


async def test_it_calls_a_name_that_the_operator_trusts(
    private: FakeProvider, names: Names, settings: Settings
) -> None:
    names.addresses, settings.PROVIDER_HOSTS = [PRIVATE], [NAME]
    assert await collect("openai", request("words-1"), at(NAME, private, "openai"))


async def test_it_says_that_a_name_does_not_exist(settings: Settings) -> None:
    settings.PROVIDER_HOSTS = []
    _, error = await collect_failure("openai", request("words-1"), "https://no-such-host.invalid/v1")
    assert type(error) is ConnectionLost
