"""Watching a run while it goes on."""

from __future__ import annotations

import asyncio
import tracemalloc
from contextlib import aclosing
from uuid import uuid4

from hypothesis import given
from hypothesis import strategies as st

from inference.runs.stream_buffer import BATCH_CHARACTERS, PACE_SECONDS, PIECE_CHARACTERS, Delta, Kind, LiveRun, Pacer


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


@given(st.lists(st.tuples(st.sampled_from(["text", "reasoning"]), st.integers(0, 9_000))), st.integers(0, 30_000))
def test_it_loses_and_repeats_nothing_from_any_position(chunks: list[tuple[Kind, int]], position: int) -> None:
    live = live_run()
    for number, (kind, length) in enumerate(chunks):
        live.append(Delta(kind, chr(97 + number % 26) * length))
    whole = "".join(chr(97 + number % 26) * length for number, (_, length) in enumerate(chunks))

    assert live.length == len(whole)
    assert "".join(delta.text for delta in live.after(position, at_least=len(whole))) == whole[position:]


async def test_it_gives_a_late_watcher_a_long_answer_in_small_batches() -> None:
    live = live_run()
    live.append(Delta("text", "x" * 1_000_000))
    live.end()
    async with aclosing(live.follow()) as batches:
        sizes = [sum(len(delta.text) for delta in batch) async for batch in batches]

    assert sum(sizes) == 1_000_000
    assert max(sizes) <= BATCH_CHARACTERS + PIECE_CHARACTERS


def test_it_keeps_the_text_of_many_tokens_in_little_more_room_than_the_text_takes() -> None:
    live = live_run()
    tracemalloc.start()
    for number in range(20_000):
        live.append(Delta("text", f"{number:03} "[:4]))
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert kept < 1.5 * live.length
