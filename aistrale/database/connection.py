"""A connection that notices when its server hangs.

The kernel of a server that was stopped goes on acknowledging what it is sent, so no timeout of TCP ends the wait. A
limit for statements would not do either: migrations, exports or the rotation of keys may take long on purpose. So
whoever has heard nothing for a while asks over a new connection whether the server answers at all.
"""

from __future__ import annotations

import select
from time import monotonic
from typing import Any, TypeVar

import psycopg
from psycopg.abc import PQGen
from psycopg.errors import ConnectionTimeout
from psycopg_pool import ConnectionPool

T = TypeVar("T")

# Their sum is the longest that anybody waits for a server that hangs.
SILENCE_SECONDS = 1.5
PROBE_SECONDS = 2


class WatchfulConnection(psycopg.Connection[Any]):
    """Raises OperationalError, and is closed, where it waits for a server that has stopped to answer."""

    _answered_at = float("-inf")

    @property
    def has_just_answered(self) -> bool:
        """And has not been closed by the server since."""
        return monotonic() - self._answered_at < SILENCE_SECONDS and not self._has_something_to_read()

    def _has_something_to_read(self) -> bool:
        """Which of a connection that is idle is its end."""
        poll = select.poll()
        poll.register(self.fileno(), select.POLLIN)
        return bool(poll.poll(0))

    def wait(self, gen: PQGen[T], interval: float = 0.1, timeout: float | None = None) -> T:
        return super().wait(self._watched(gen), interval, timeout)

    def _watched(self, gen: PQGen[T]) -> PQGen[T]:
        """The same, while the server lives. ``wait`` resumes it after each interval, with 0 where nothing has come."""
        heard = monotonic()
        try:
            awaited = next(gen)
            while True:
                ready = yield awaited
                if ready:
                    heard = monotonic()
                elif monotonic() - heard > SILENCE_SECONDS:
                    self._require_answer()
                    heard = monotonic()
                awaited = gen.send(ready)
        except StopIteration as end:
            self._answered_at = monotonic()
            result: T = end.value
            return result

    def _require_answer(self) -> None:
        try:
            psycopg.connect(self.info.dsn, password=self.info.password, connect_timeout=PROBE_SECONDS).close()
        except ConnectionTimeout as error:
            self.close()
            raise psycopg.OperationalError("PostgreSQL does not respond.") from error
        except psycopg.OperationalError:
            # A refusal is an answer. If the server has gone, this connection is told so.
            return


def check(connection: WatchfulConnection) -> None:
    """Raises OperationalError for one that is broken. A question to the server would cost as much as most queries."""
    if not connection.has_just_answered:
        ConnectionPool.check_connection(connection)
