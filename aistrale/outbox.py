"""What spans and log lines have in common on their way to a receiver of OTLP: bounded room, counts, and a bounded end.

They are sent in batches by a thread of the SDK. Whoever hands one over waits for nothing, whatever the receiver does.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from threading import Lock, Thread
from typing import TYPE_CHECKING, Any, TypeVar

from prometheus_client import Counter

if TYPE_CHECKING:
    import requests

# Items that wait to be sent; more are dropped.
QUEUED = 4096
# Seconds: of one attempt to send, and of all that is still sent when the process ends.
SEND_SECONDS, END_SECONDS = 5, 3
QUEUE_FULL, NOT_TAKEN = "queue_full", "not_taken"
Item = TypeVar("Item")
Answer = TypeVar("Answer")


def drop_counter(name: str, documentation: str) -> Counter:
    """By label ``reason``. All of them are there from the start, so that even the first drop is an increase."""
    counter = Counter(name, documentation, ("reason",))
    for reason in (QUEUE_FULL, NOT_TAKEN):
        counter.labels(reason)
    return counter


class Outbox:
    """Counts what waits, what was sent, and what was dropped and why (label ``reason``)."""

    def __init__(self, sent: Counter, dropped: Counter) -> None:
        self._sent, self._dropped = sent, dropped
        self._waiting = 0
        self._lock = Lock()
        self._end = float("inf")

    def admit(self) -> bool:
        """Whether there is room for one more."""
        with self._lock:
            is_full = self._waiting >= QUEUED
            self._waiting += not is_full
        if is_full:
            self._dropped.labels(QUEUE_FULL).inc()
        return not is_full

    def send(
        self, items: Sequence[Item], export: Callable[[Sequence[Item]], Answer], *, success: Answer, failure: Answer
    ) -> Answer:
        """By ``export``, which gives ``success`` where the receiver has taken them."""
        with self._lock:
            self._waiting = max(0, self._waiting - len(items))
        answer = failure
        try:
            if time.monotonic() < self._end:
                answer = export(items)
        finally:
            counter = self._sent if answer is success else self._dropped.labels(NOT_TAKEN)
            counter.inc(len(items))
        return answer

    def end(self, shutdown: Callable[[], object]) -> None:
        """Sends what waits, for some seconds; a receiver that never ends its answer is left behind."""
        self._end = time.monotonic() + END_SECONDS
        ending = Thread(target=shutdown, name="end of an outbox", daemon=True)
        ending.start()
        ending.join(END_SECONDS + SEND_SECONDS)


def session() -> requests.Session:
    """For exporters: no body of an answer is read, which may have no end, and no redirect counts as taken."""
    # It takes a tenth of a second to import.
    import requests

    made = requests.Session()
    made.stream = True
    made.hooks["response"] = [_leave_unread]
    return made


def _leave_unread(response: requests.Response, *arguments: Any, **named: Any) -> None:
    response.close()
    if 300 <= response.status_code < 400:
        raise ConnectionError(f"The receiver of {response.url} is elsewhere.")
