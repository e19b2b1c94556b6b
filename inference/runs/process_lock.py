"""Proof that this process lives, and which runs are those of processes that do not.

Each run names the process that makes its call. While that process lives, a session of its own holds an advisory lock
by that name in PostgreSQL, which frees it when the process or its machine dies, and not while the process is merely
late. The session is also what judges other processes: no run is taken for silent for longer than the judge has been
connected, since before that PostgreSQL may have been away for its owner too. All times are those of PostgreSQL.

A connection pooler that shares sessions among its clients would break the proof: processes connect directly.
"""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
from django.conf import settings
from django.db import connection

PROCESS_ID = secrets.randbelow(2**31)
# Advisory locks no other part takes: "proc" in ASCII, and then a process.
_LOCK = 0x70726F63
_OPTIONS = {
    # By these PostgreSQL finds within half a minute that the machine of a session is gone, ...
    "tcp_keepalives_idle": 10,
    "tcp_keepalives_interval": 5,
    "tcp_keepalives_count": 4,
    # ... and it must not end the session of a process that is late.
    "idle_session_timeout": 0,
}
# Seconds, milliseconds for the last: after which this process takes its session for lost.
_KEEPALIVES = {
    "connect_timeout": 4,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}
# Shared, since after a lost connection the old session may still hold it when the new one asks.
_HOLD = "SELECT clock_timestamp() FROM pg_advisory_lock_shared(%s, %s)"
_SILENT = """
SELECT run.id FROM telemetry_generation AS run
WHERE run.status = 'running'
  AND greatest(run.heartbeat_at, %(held_since)s) < clock_timestamp() - make_interval(secs => %(silence)s)
  AND (run.process_id = %(process)s OR NOT EXISTS (
    SELECT FROM pg_locks JOIN pg_database ON pg_database.oid = pg_locks.database
    WHERE locktype = 'advisory' AND datname = current_database() AND granted
      AND classid = %(lock)s AND objid = run.process_id AND objsubid = 2
  ))
"""


class ProcessLock:
    """The session that holds the lock; one that was lost is opened anew by the next call. Raises psycopg.Error."""

    def __init__(self) -> None:
        self._session: psycopg.Connection | None = None
        self._held_since: datetime | None = None
        self._is_released = False

    def hold(self) -> psycopg.Connection:
        if self._session is None or self._session.closed:
            self._session = psycopg.connect(**connection_parameters(), autocommit=True)
            try:
                [self._held_since] = self._session.execute(_HOLD, [_LOCK, PROCESS_ID]).fetchone() or [None]
                self._require_use()
            except psycopg.Error:
                self._session.close()
                raise
        return self._session

    def _require_use(self) -> None:
        """A thread that was late must not leave a session behind that nobody closes any more."""
        if self._is_released:
            raise psycopg.OperationalError("The lock of this process was released.")

    def silent_runs(self) -> list[UUID]:
        """Runs that have been silent for long and whose process is dead, or is this one, which knows better itself."""
        session = self.hold()
        values = {
            "held_since": self._held_since,
            "silence": settings.RUN_SILENCE_SECONDS,
            "process": PROCESS_ID,
            "lock": _LOCK,
        }
        return [pk for (pk,) in session.execute(_SILENT, values)]

    def release(self) -> None:
        self._is_released = True
        if self._session is not None:
            self._session.close()


def connection_parameters() -> dict[str, Any]:
    """Those of Django's connections, with our own limits."""
    parameters = connection.get_connection_params()
    options = [parameters.get("options", ""), *(f"-c {name}={value}" for name, value in _OPTIONS.items())]
    return parameters | _KEEPALIVES | {"options": " ".join(options)}
