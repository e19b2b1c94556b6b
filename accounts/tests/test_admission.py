from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest
from django.db import connection

from accounts.admission import Busy, RequestSlot, Slots, TurnedAway, release_slot


def test_it_gives_slots_in_the_order_in_which_they_were_asked_for() -> None:
    slots = Slots(2, waiting=10)
    places = [slots.ask() for _ in range(5)]
    assert [place.done() for place in places] == [True, True, False, False, False]
    slots.leave(places[1])
    assert [place.done() for place in places[2:]] == [True, False, False]
    slots.leave(places[0])
    assert [place.done() for place in places[2:]] == [True, True, False]


def test_it_lets_nobody_in_before_those_who_wait() -> None:
    slots = Slots(1, waiting=10)
    held, waiting = slots.ask(), slots.ask()
    slots.leave(held)
    assert not slots.ask().done() and waiting.done()


def test_it_forgets_who_waits_no_longer() -> None:
    slots = Slots(1, waiting=2)
    held, impatient, patient = slots.ask(), slots.ask(), slots.ask()
    slots.leave(impatient)
    slots.leave(held)
    assert patient.done()


def test_it_passes_over_who_was_cancelled_and_has_not_said_so_yet() -> None:
    slots = Slots(1, waiting=2)
    held, cancelled, patient = slots.ask(), slots.ask(), slots.ask()
    cancelled.cancel()
    slots.leave(held)
    slots.leave(cancelled)
    assert patient.done() and not slots.ask().done()


def test_it_refuses_more_than_may_wait() -> None:
    slots = Slots(1, waiting=1)
    slots.ask()
    slots.ask()
    with pytest.raises(Busy):
        slots.ask()


def test_it_refuses_who_has_waited_too_long_and_counts_them_no_more() -> None:
    slots = Slots(1, waiting=1)
    with slots.held(within=1):
        for _ in range(2):
            with pytest.raises(Busy), slots.held(within=0.01):
                raise AssertionError
    with slots.held(within=1):
        pass


def test_it_turns_away_all_who_wait_and_serves_those_who_come_after_them() -> None:
    slots = Slots(1, waiting=2)
    held, first, second = slots.ask(), slots.ask(), slots.ask()
    slots.turn_away()
    for place in (first, second):
        with pytest.raises(TurnedAway):
            place.result(0)
        slots.leave(place)
    later = slots.ask()
    assert not later.done()
    slots.leave(held)
    assert later.done()


def test_it_never_gives_more_than_there_are_nor_loses_any() -> None:
    slots, inside, most = Slots(3, waiting=1000), 0, 0

    def work(_: int) -> None:
        nonlocal inside, most
        with slots.held(within=30):
            inside += 1
            most = max(most, inside)
            time.sleep(0.0005)
            inside -= 1

    with ThreadPoolExecutor(20) as threads:
        list(threads.map(work, range(200)))
    assert most <= 3 and [slots.ask().done() for _ in range(4)] == [True, True, True, False]


@pytest.mark.django_db(transaction=True)
def test_it_gives_the_database_connection_back_while_somebody_else_is_waited_for() -> None:
    connection.ensure_connection()
    with release_slot():
        assert connection.connection is None


@pytest.mark.django_db
def test_it_keeps_the_connection_of_a_transaction() -> None:
    with release_slot():
        assert connection.connection is not None


@pytest.mark.django_db
async def test_it_lends_a_slot_to_the_next_while_somebody_else_is_waited_for() -> None:
    slots, asked, answered = Slots(1, waiting=1), Event(), Event()
    first, second = RequestSlot(slots), RequestSlot(slots)
    await first.enter(within=1)

    def call_a_provider() -> None:
        with release_slot():
            asked.set()
            answered.wait(10)

    call = asyncio.create_task(asyncio.to_thread(call_a_provider))
    await asyncio.to_thread(asked.wait, 10)
    await asyncio.create_task(second.enter(within=10))
    answered.set()
    second.leave()
    await call
    with pytest.raises(Busy):
        await RequestSlot(slots).enter(within=0.01)


async def test_it_loses_no_slot_to_a_request_that_is_cancelled() -> None:
    slots = Slots(1, waiting=1)
    held = slots.ask()
    waiting = asyncio.create_task(RequestSlot(slots).enter(within=10))
    await asyncio.sleep(0.01)
    waiting.cancel()
    slots.leave(held)
    await asyncio.gather(waiting, return_exceptions=True)
    assert slots.ask().done()
