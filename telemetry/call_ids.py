"""Ids of calls: UUIDv7, so that the primary key carries the time and a range of time is a range of ids.

RFC 9562, section 5.7: 48 bits of milliseconds since 1970, the rest random but for six bits of version and variant.
"""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta
from uuid import UUID

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_VERSION, _VARIANT = 7 << 76, 0b10 << 62
_RANDOM = (1 << 76) - 1 & ~(0b11 << 62)


def new_call_id(started_at: datetime) -> UUID:
    """Of a call that starts at this moment."""
    return UUID(int=_milliseconds(started_at) << 80 | _VERSION | _VARIANT | secrets.randbits(76) & _RANDOM)


def first_id(moment: datetime) -> UUID:
    """Below the ids of all calls that start in its millisecond or later, above those of all that start before."""
    return UUID(int=_milliseconds(moment) << 80)


def first_id_after(moment: datetime) -> UUID:
    """Above the ids of all calls that start before the moment, however short before."""
    return first_id(moment + _MILLISECOND - timedelta(microseconds=1))


def _milliseconds(moment: datetime) -> int:
    """Never less than an id can have: before 1970 only a made-up address lies, or a clock without a battery."""
    return max((moment - _EPOCH) // _MILLISECOND, 0)
