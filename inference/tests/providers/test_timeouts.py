"""Each time limit ends the call at its stage, and the provider sees the connection close."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Iterator
from contextlib import aclosing
from dataclasses import replace

import pytest

from inference.providers.base import Finished
from inference.providers.errors import Timeout
from inference.providers.registry import get_adapter
from inference.tests.fake_provider import FakeProvider
from inference.tests.providers.calls import KEY, PATIENT, WIRE_PROVIDERS, collect_failure, request

on_every_wire = pytest.mark.parametrize("provider", WIRE_PROVIDERS)


@pytest.fixture
def deaf_port() -> Iterator[int]:
    """Takes connections, and never answers a handshake."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


@on_every_wire
@pytest.mark.parametrize(
    ("model", "stage"),
    [
        ("stall-headers", "first_token"),
        ("stall-first-token", "first_token"),
        ("stall-between-tokens", "between_tokens"),
    ],
)
async def test_it_ends_a_stall(fake: FakeProvider, provider: str, model: str, stage: str) -> None:
    limits = replace(PATIENT, **{stage: 0.4})
    started = time.monotonic()
    _, error = await collect_failure(provider, request(model, timeouts=limits), fake.base_url(provider))
    assert isinstance(error, Timeout)
    assert error.stage == stage
    assert not error.retryable
    assert 0.4 <= time.monotonic() - started < PATIENT.first_token
    assert await asyncio.to_thread(fake.last(model).closed.wait, 1)


@on_every_wire
async def test_it_ends_an_answer_without_end(fake: FakeProvider, provider: str) -> None:
    limits = replace(PATIENT, total=1)
    events, error = await collect_failure(provider, request("endless", timeouts=limits), fake.base_url(provider))
    assert isinstance(error, Timeout)
    assert error.stage == "total"
    assert events
    assert await asyncio.to_thread(fake.last("endless").closed.wait, 1)


@on_every_wire
async def test_it_gives_up_connecting_and_may_try_again(deaf_port: int, provider: str) -> None:
    limits = replace(PATIENT, connect=0.3)
    _, error = await collect_failure(provider, request("any", timeouts=limits), f"https://127.0.0.1:{deaf_port}/v1")
    assert isinstance(error, Timeout)
    assert error.stage == "connect"
    assert error.retryable


@on_every_wire
async def test_it_does_not_count_the_time_a_slow_reader_takes(fake: FakeProvider, provider: str) -> None:
    limits = replace(PATIENT, between_tokens=0.4)
    stream = get_adapter(provider).stream(
        request("words-3", timeouts=limits), api_key=KEY, base_url=fake.base_url(provider)
    )
    async with aclosing(stream) as events:
        await anext(events)
        await asyncio.sleep(0.8)
        assert isinstance([event async for event in events][-1], Finished)
