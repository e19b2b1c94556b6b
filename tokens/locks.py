"""PostgreSQL advisory locks that keep the keys in order. All are taken before rows are locked or audited."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

_CLASS = 0x746F6B
_PRIMARY = 1
_ROTATION = 2


class RotationBusy(Exception):
    """Another process is rotating keys at this moment."""


def keep_primary() -> None:
    """Until the transaction ends, no other may make another key primary; many may hold this at once."""
    _take("pg_advisory_xact_lock_shared", _PRIMARY)


def change_primary() -> None:
    """Wait until everyone who seals with the primary key has committed, and hold off others until we have."""
    _take("pg_advisory_xact_lock", _PRIMARY)


@contextmanager
def rotation() -> Iterator[None]:
    """A lock of the session, over many transactions, released when the connection closes. Raises RotationBusy."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [_CLASS, _ROTATION])
        if not cursor.fetchone()[0]:
            raise RotationBusy("Another rotation of keys is running. It is left alone; try again when it has ended.")
    try:
        yield
    finally:
        # A connection that is lost has let go already, and is not to hide the error that lost it.
        if connection.is_usable():
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [_CLASS, _ROTATION])


def _take(function: str, lock: int) -> None:
    if not connection.in_atomic_block:
        raise RuntimeError("This lock ends with its transaction, so it needs one.")
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {function}(%s, %s)", [_CLASS, lock])
