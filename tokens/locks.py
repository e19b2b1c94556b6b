"""PostgreSQL advisory locks that keep the keys in order. All are taken before rows are locked or audited."""

from __future__ import annotations

from django.db import connection

_CLASS = 0x746F6B
_PRIMARY = 1


def keep_primary() -> None:
    """Until the transaction ends, no other may make another key primary; many may hold this at once."""
    _take("pg_advisory_xact_lock_shared", _PRIMARY)


def change_primary() -> None:
    """Wait until everyone who seals with the primary key has committed, and hold off others until we have."""
    _take("pg_advisory_xact_lock", _PRIMARY)


def _take(function: str, lock: int) -> None:
    if not connection.in_atomic_block:
        raise RuntimeError("This lock ends with its transaction, so it needs one.")
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {function}(%s, %s)", [_CLASS, lock])
