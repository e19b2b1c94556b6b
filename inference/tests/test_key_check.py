from __future__ import annotations

from collections.abc import Iterator

import pytest

from inference.providers.key_check import check_key
from inference.tests.fake_provider import FakeProvider
from tokens.checks import TokenState


@pytest.fixture(scope="module")
def fake() -> Iterator[FakeProvider]:
    with FakeProvider() as provider:
        yield provider


def test_it_finds_a_good_key_working(fake: FakeProvider) -> None:
    result = check_key(provider="openai", api_key="good-key", base_url=fake.base_url("openai"))
    assert result.state == TokenState.WORKING and result.milliseconds >= 0


def test_it_finds_an_unknown_key_refused(fake: FakeProvider) -> None:
    result = check_key(provider="openai", api_key="bad-key", base_url=fake.base_url("openai"))
    assert result.state == TokenState.REFUSED and result.message


def test_it_finds_a_closed_port_unreachable() -> None:
    result = check_key(provider="openai", api_key="good-key", base_url="http://127.0.0.1:9/v1")
    assert result.state == TokenState.UNREACHABLE and result.message
