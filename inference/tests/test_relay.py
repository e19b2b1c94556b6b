"""The copy of a run in Redis, as another process reads it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any, cast
from uuid import uuid4

import pytest
import pytest_asyncio
from django.conf import settings
from redis.asyncio import Redis

from inference.runs.relay import COPY_CHARACTERS, ROUND_CHARACTERS, CopyIsCut, RedisRelay, follow, stream_key
from inference.runs.stream_buffer import Delta, LiveRun


@pytest_asyncio.fixture
async def connection() -> AsyncIterator[Redis]:
    async with Redis.from_url(settings.REDIS_URL) as redis:
        yield redis


def run_of(*texts: str) -> LiveRun:
    live = LiveRun(uuid4(), on_change=lambda: None)
    for text in texts:
        live.append(Delta("text", text))
    return live


async def read(connection: Redis, live: LiveRun) -> str:
    async def has_ended() -> bool:
        return live.ended

    async with aclosing(follow(connection, live.generation_id, has_ended=has_ended)) as batches:
        return "".join([delta.text async for batch in batches for delta in batch])


async def test_it_copies_a_long_answer_in_several_rounds(connection: Redis) -> None:
    live, relay, rounds = run_of(*(f"{number:09} " for number in range(30_000))), RedisRelay(connection), 1
    relay.add(live)
    while not await relay.copy():
        rounds += 1
    live.end()
    await relay.copy()

    assert rounds >= live.length / (2 * COPY_CHARACTERS)
    assert await read(connection, live) == live.text()


async def test_it_copies_no_long_rest_of_what_is_stored_and_says_so_to_readers(connection: Redis) -> None:
    live, relay = run_of(*(f"{number:09} " for number in range(30_000))), RedisRelay(connection)
    relay.add(live)
    await relay.copy()
    live.end()

    assert await relay.copy()
    with pytest.raises(CopyIsCut):
        await read(connection, live)


async def test_it_repeats_nothing_where_a_round_was_sent_twice(connection: Redis) -> None:
    live = run_of("one ", "two ")
    first, second = RedisRelay(connection), RedisRelay(connection)
    first.add(live)
    await first.copy()
    live.append(Delta("text", "three"))
    live.end()
    second.add(live)
    await second.copy()

    assert await read(connection, live) == "one two three"


async def test_it_marks_the_end_of_a_run_for_which_a_round_had_no_room(connection: Redis) -> None:
    relay, ended = RedisRelay(connection), run_of("short")
    busy = [run_of("a") for _ in range(ROUND_CHARACTERS // COPY_CHARACTERS + 1)]
    for live in (*busy, ended):
        relay.add(live)
    await relay.copy()
    for live in busy:
        live.append(Delta("text", "b" * COPY_CHARACTERS))
    ended.end()
    while not await relay.copy():
        continue

    entries = cast(list[Any], await connection.xrevrange(stream_key(ended.generation_id), count=1))
    assert entries[0][1][b"deltas"] == b"[]"
