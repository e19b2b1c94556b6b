"""Watching a run while it goes on."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from uuid import uuid4

from inference.live import PACE_SECONDS, Delta, LiveRun, Pacer


def live_run() -> LiveRun:
    return LiveRun(uuid4(), on_change=lambda: None)


def text(*words: str) -> list[Delta]:
    return [Delta("text", word) for word in words]


async def collect(live: LiveRun, position: int = 0) -> str:
    async with aclosing(live.follow(position)) as batches:
        return "".join([delta.text async for batch in batches for delta in batch])


async def test_it_shows_a_late_watcher_everything_from_the_beginning() -> None:
    live = live_run()
    for delta in text("a", "b"):
        live.append(delta)
    watcher = asyncio.create_task(collect(live))
    await asyncio.sleep(0)
    live.append(Delta("text", "c"))
    live.end()

    assert await watcher == "abc"


async def test_it_resumes_from_a_position_without_loss_or_repetition() -> None:
    live = live_run()
    for delta in text("a", "b", "c"):
        live.append(delta)
    live.end()

    assert await collect(live, 2) == "c"


async def test_it_serves_two_watchers_alike() -> None:
    live = live_run()
    watchers = [asyncio.create_task(collect(live)) for _ in range(2)]
    await asyncio.sleep(0)
    for delta in text("a", "b", "c"):
        live.append(delta)
        await asyncio.sleep(0)
    live.end()

    assert await asyncio.gather(*watchers) == ["abc"] * 2


async def test_it_counts_the_time_since_the_last_watcher_left() -> None:
    live = live_run()
    watcher = asyncio.create_task(collect(live))
    await asyncio.sleep(0.02)
    assert live.seconds_unwatched == 0
    watcher.cancel()
    await asyncio.gather(watcher, return_exceptions=True)
    await asyncio.sleep(0.02)

    assert 0.01 < live.seconds_unwatched < 1


def test_it_keeps_kinds_of_text_apart() -> None:
    live = live_run()
    for delta in (Delta("reasoning", "hm"), Delta("text", "yes"), Delta("notice", "wait")):
        live.append(delta)

    assert (live.text(), live.text("reasoning")) == ("yes", "hm")


def shown_every(milliseconds: int, pacer: Pacer, *, times: int, chunks: int = 1, start: float = 1.0) -> None:
    for step in range(times):
        pacer.shown(chunks, now=start + step * milliseconds / 1000)


def test_it_does_not_hold_up_a_slow_provider() -> None:
    pacer = Pacer()
    shown_every(20, pacer, times=50)

    assert pacer.pause() == 0


def test_it_does_not_hold_up_a_provider_for_two_chunks_that_come_together() -> None:
    pacer = Pacer()
    shown_every(20, pacer, times=5)
    shown_every(1, pacer, times=2, start=1.1)

    assert pacer.pause() == 0


def test_it_gathers_the_chunks_of_a_fast_provider() -> None:
    pacer = Pacer()
    shown_every(2, pacer, times=4)

    assert pacer.pause() == PACE_SECONDS


def test_it_stops_gathering_when_the_provider_slows_down() -> None:
    pacer = Pacer()
    shown_every(2, pacer, times=4)
    pacer.shown(1, now=2.0)

    assert pacer.pause() == 0
