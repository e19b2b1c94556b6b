"""Limits of concurrency with a queue, first come, first served; and which errors are outages.

A request holds one of the server's slots while it is served, see ``aistrale.page_queue``. Whatever waits for others
than the database, a provider for example, does so within ``release_slot``, and holds up nobody.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from contextvars import ContextVar
from threading import Lock

import redis.exceptions
from django.db import InterfaceError, OperationalError, connection

# A server that everybody needs is out of reach.
CACHE_OUTAGES = (redis.exceptions.ConnectionError, redis.exceptions.TimeoutError)
OUTAGES = (OperationalError, InterfaceError, *CACHE_OUTAGES)


class Busy(Exception):
    """More are waiting than can be served in time."""


class TurnedAway(Busy):
    """A server that everybody needs does not answer."""


class Slots:
    """``at_once`` threads or tasks hold one each, ``waiting`` more may wait for one."""

    def __init__(self, at_once: int, *, waiting: int) -> None:
        self._free = at_once
        self._most_waiting = waiting
        self._waiting: deque[Future[None]] = deque()
        self._lock = Lock()

    def ask(self, *, first: bool = False) -> Future[None]:
        """Is done as soon as the slot is held. ``first`` goes before all who wait. Raises Busy."""
        place: Future[None] = Future()
        with self._lock:
            if self._free:
                self._free -= 1
                place.set_result(None)
            elif first:
                self._waiting.appendleft(place)
            elif len(self._waiting) < self._most_waiting:
                self._waiting.append(place)
            else:
                raise Busy
        return place

    def leave(self, place: Future[None]) -> None:
        """Give the slot to whoever waits longest, or wait for one no longer. Once for each place."""
        with self._lock:
            if place.cancel():
                # It may have been passed over already, see below.
                if place in self._waiting:
                    self._waiting.remove(place)
                return
            if place.exception() is not None:
                return
            while self._waiting:
                successor = self._waiting.popleft()
                # An event loop cancels what it waits for before it comes here.
                if successor.set_running_or_notify_cancel():
                    return successor.set_result(None)
            self._free += 1

    def turn_away(self) -> None:
        """Everybody in the queue gets TurnedAway: they would wait for a server that does not answer."""
        with self._lock:
            for place in self._waiting:
                if place.set_running_or_notify_cancel():
                    place.set_exception(TurnedAway())
            self._waiting.clear()

    @contextmanager
    def held(self, *, within: float) -> Iterator[None]:
        """Raises Busy where none can be had within so many seconds."""
        place = self.ask()
        try:
            try:
                place.result(within)
            except TimeoutError as error:
                raise Busy from error
            yield
        finally:
            self.leave(place)


class RequestSlot:
    """The slot of one request. It may be released and taken again while the request is served."""

    def __init__(self, slots: Slots) -> None:
        self._slots = slots
        self._place: Future[None] | None = None

    async def enter(self, *, within: float) -> None:
        """Raises Busy where there is none within so many seconds."""
        self._place = self._slots.ask()
        _current.set(self)
        try:
            async with asyncio.timeout(within):
                await asyncio.wrap_future(self._place)
        except BaseException as error:
            self.leave()
            if isinstance(error, TimeoutError):
                raise Busy from error
            raise

    def leave(self) -> None:
        if self._place:
            self._slots.leave(self._place)
            self._place = None

    def turn_away(self) -> None:
        self._slots.turn_away()

    def enter_again(self) -> None:
        """Blocks. What was begun is ended before anything new begins. Raises Busy."""
        self._place = self._slots.ask(first=True)
        self._place.result()


_current: ContextVar[RequestSlot | None] = ContextVar("request_slot", default=None)


def turn_away_waiting() -> None:
    """Of the queue in which the current request has stood, if there is one."""
    if slot := _current.get():
        slot.turn_away()


@contextmanager
def release_slot() -> Iterator[None]:
    """Release the slot of the current request, if it has one, and its database connection while it waits for others.

    A transaction keeps its connection.
    """
    if not connection.in_atomic_block:
        connection.close()
    slot = _current.get()
    if slot is None:
        yield
        return
    slot.leave()
    try:
        yield
    finally:
        slot.enter_again()


def humanize_outage(error: Exception) -> str:
    """A sentence about one of the ``OUTAGES``."""
    part = "cache" if isinstance(error, CACHE_OUTAGES) else "database"
    return f"The {part} does not answer at the moment."
