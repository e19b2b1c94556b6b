"""The copy of live runs in Redis, by which other processes watch and stop a run.

Each run has a Redis stream ``run:<generation id>``. An entry holds ``at``, the position of its first character, and
``deltas``, a JSON list of ``[kind, text]``; an empty list marks the end. Entries may overlap after a lost
connection: readers go by ``at``. What is far from copied when its run has ended is left out: it is stored by then.
``runs:stop`` is the channel on which a stop is asked for.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import cast
from uuid import UUID

import orjson
import structlog
from redis import Redis as SyncRedis
from redis.asyncio import Redis
from redis.exceptions import RedisError

from inference.runs.stream_buffer import Delta, LiveRun, without_first

# What XREAD answers in the second version of the protocol: for each stream its name and its entries.
Fields = dict[bytes, bytes]
Entries = list[tuple[bytes, list[tuple[bytes, Fields]]]]

STOP_CHANNEL = "runs:stop"
HURRY_CHANNEL = "runs:hurry"
# A run's first text is copied at once, later text at this interval: one round trip for all runs of the process.
COPY_SECONDS = 0.1
# Of one run in one round: what has gathered while Redis was away must not be in memory once more at once.
COPY_CHARACTERS = 65_536
# Of all runs in one round; those that were sent wait behind the others in the next one.
ROUND_CHARACTERS = 500_000
KEEP_SECONDS = 600
WATCHED_SECONDS = 10

log = structlog.get_logger(__name__)


class CopyIsCut(Exception):
    """The run has ended, and what it said last is only where it is stored."""


def stream_key(generation_id: UUID) -> str:
    return f"run:{generation_id}"


def watched_key(generation_id: UUID) -> str:
    return f"run:{generation_id}:watched"


@dataclass(eq=False)
class _Copy:
    """``kept_until``: when Redis forgets it, by the monotonic clock."""

    live: LiveRun
    position: int = 0
    kept_until: float = 0.0


class RedisRelay:
    """Copies the runs of this process to Redis, as soon as Redis lets it."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._copies: dict[UUID, _Copy] = {}
        self._news = asyncio.Event()

    def add(self, live: LiveRun) -> None:
        self._copies[live.generation_id] = _Copy(live)

    def notify(self) -> None:
        self._news.set()

    async def keep_copying(self) -> None:
        while True:
            await self._news.wait()
            self._news.clear()
            try:
                if not await self.copy():
                    self._news.set()
            except (RedisError, OSError) as error:
                log.warning("relay_delayed", error=type(error).__name__)
                self._news.set()
                await asyncio.sleep(0.5)
            await asyncio.sleep(COPY_SECONDS)

    async def copy(self) -> bool:
        """Send what is new of every run, and the end mark of those that have ended, in one round trip.

        False: there was more than is sent at once.
        """
        sent: list[tuple[_Copy, int, bool]] = []
        async with self._redis.pipeline(transaction=False) as pipeline:
            room = ROUND_CHARACTERS
            waiting = [one for one in self._copies.values() if one.live.length > one.position or one.live.ended]
            for copy in waiting:
                if room <= 0:
                    break
                sent.append((copy, *self._queue(pipeline, copy)))
                room -= min(COPY_CHARACTERS, sent[-1][1] - copy.position)
            if not sent:
                return True
            await pipeline.execute(raise_on_error=True)
        for copy, end, ended in sent:
            copy.position = end
            del self._copies[copy.live.generation_id]
            if not ended:
                self._copies[copy.live.generation_id] = copy
        return len(sent) == len(waiting) and all(copy.position == copy.live.length for copy in waiting)

    @staticmethod
    def _queue(pipeline: Redis, copy: _Copy) -> tuple[int, bool]:
        """Returns up to where the copy will reach, and whether with the end mark."""
        key = stream_key(copy.live.generation_id)
        is_cut = copy.live.ended and copy.live.length - copy.position > COPY_CHARACTERS
        deltas = [] if is_cut else copy.live.after(copy.position, at_least=COPY_CHARACTERS)
        end = copy.live.length if is_cut else copy.position + sum(len(delta.text) for delta in deltas)
        ended = copy.live.ended and end == copy.live.length
        if deltas:
            entries = [[delta.kind, delta.text] for delta in deltas]
            pipeline.xadd(key, {"at": copy.position, "deltas": orjson.dumps(entries)})
        if ended:
            pipeline.xadd(key, {"at": end, "deltas": b"[]"})
        if ended or copy.kept_until - time.monotonic() < KEEP_SECONDS / 2:
            pipeline.expire(key, KEEP_SECONDS)
            copy.kept_until = time.monotonic() + KEEP_SECONDS
        return end, ended


async def follow(
    redis: Redis, generation_id: UUID, *, has_ended: Callable[[], Awaitable[bool]]
) -> AsyncGenerator[list[Delta], None]:
    """Yield the deltas of a run that another process owns, from its beginning to its end.

    ``has_ended`` is asked whenever the stream has been silent for a while: its owner may have died. If it lives, it
    copies the rest after it has stored the end: so the stream is given one more while. Raises CopyIsCut
    where the end was not copied.
    """
    key, last_id, position = stream_key(generation_id), b"0", 0
    is_over = False
    while True:
        await redis.set(watched_key(generation_id), 1, ex=WATCHED_SECONDS)
        answer = cast(Entries, await redis.xread({key: last_id}, block=2000, count=20))
        if not answer:
            if is_over:
                return
            is_over = await has_ended()
        for entry_id, fields in answer[0][1] if answer else ():
            last_id = entry_id
            if _is_end(fields):
                if int(fields[b"at"]) > position:
                    raise CopyIsCut
                return
            if fresh := _deltas_after(position, fields):
                position += sum(len(delta.text) for delta in fresh)
                yield fresh


def copied_deltas(redis: SyncRedis, generation_id: UUID) -> list[Delta]:
    """What has been copied of a run so far, if that is not too long ago."""
    deltas: list[Delta] = []
    position = 0
    for _, fields in cast(list[tuple[bytes, Fields]], redis.xrange(stream_key(generation_id))):
        fresh = _deltas_after(position, fields)
        position += sum(len(delta.text) for delta in fresh)
        deltas += fresh
    return deltas


def _is_end(fields: Fields) -> bool:
    return fields[b"deltas"] == b"[]"


def _deltas_after(position: int, fields: Fields) -> list[Delta]:
    deltas = [Delta(kind, text) for kind, text in orjson.loads(fields[b"deltas"])]
    return without_first(deltas, position - int(fields[b"at"]))


async def is_watched_elsewhere(redis: Redis, generation_id: UUID) -> bool:
    return bool(await redis.exists(watched_key(generation_id)))


async def ask_to_stop(redis: Redis, generation_id: UUID) -> None:
    """Ask whichever process owns the run. Nobody may own it any more: then nothing happens."""
    await redis.publish(STOP_CHANNEL, str(generation_id))


async def ask_to_hurry(redis: Redis, generation_id: UUID) -> None:
    """The same, not to wait for its next attempt."""
    await redis.publish(HURRY_CHANNEL, str(generation_id))


async def listen(redis: Redis, handlers: Mapping[str, Callable[[UUID], object]]) -> None:
    """Call the handler of a channel for each run that somebody names there, through outages of Redis, for ever."""
    while True:
        try:
            async with redis.pubsub() as pubsub:
                await pubsub.subscribe(*handlers)
                async with aclosing(pubsub.listen()) as messages:
                    async for message in messages:
                        if message["type"] == "message":
                            handlers[message["channel"].decode()](UUID(message["data"].decode()))
        except (RedisError, OSError) as error:
            log.warning("stop_channel_lost", error=type(error).__name__)
            await asyncio.sleep(0.5)
