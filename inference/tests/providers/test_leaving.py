"""Who stops listening stops paying: the provider's connection closes within a second."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest

from inference.providers.registry import get_adapter
from inference.tests.fake_provider import FakeProvider
from inference.tests.providers.calls import KEY, WIRE_PROVIDERS, collect, request

on_every_wire = pytest.mark.parametrize("provider", WIRE_PROVIDERS)


@on_every_wire
@pytest.mark.parametrize("model", ["stall-headers", "stall-first-token", "stall-between-tokens", "endless"])
async def test_it_closes_when_its_task_is_cancelled(fake: FakeProvider, provider: str, model: str) -> None:
    fake.exchanges.clear()
    task = asyncio.create_task(collect(provider, request(model), fake.base_url(provider)))
    exchange = await asyncio.to_thread(fake.last, model)
    await asyncio.sleep(0.05)
    assert not exchange.closed.is_set()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await asyncio.to_thread(exchange.closed.wait, 1)


@on_every_wire
async def test_it_closes_when_the_generator_is_closed(fake: FakeProvider, provider: str) -> None:
    asked = request("endless")
    async with aclosing(get_adapter(provider).stream(asked, api_key=KEY, base_url=fake.base_url(provider))) as events:
        await anext(events)
        exchange = fake.last("endless")
        assert not exchange.closed.is_set()
    assert await asyncio.to_thread(exchange.closed.wait, 1)


@on_every_wire
async def test_it_keeps_the_connection_for_the_next_call(fake: FakeProvider, provider: str) -> None:
    for _ in range(3):
        await collect(provider, request("words-2"), fake.base_url(provider))
    first, second, third = fake.calls("words-2")[-3:]
    assert first.connection == second.connection == third.connection
