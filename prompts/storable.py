"""What JSON from outside may hold so that PostgreSQL can store it and every program can read it. Pure."""

from __future__ import annotations

import math
import re
from typing import Any

MOST_LEVELS = 64
# Of 64 bits, with a sign or without: readers of JSON know no larger ones.
LEAST_INTEGER, GREATEST_INTEGER = -(2**63), 2**64 - 1


_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


class Unstorable(ValueError):
    """A value that is nested too deeply, too large, or has a character that the database refuses."""


def check(value: Any, levels: int = MOST_LEVELS) -> None:
    """Raises Unstorable."""
    if not levels:
        raise Unstorable(f"This is nested more than {MOST_LEVELS} levels deep.")
    if isinstance(value, float) and not math.isfinite(value):
        raise Unstorable("A number is too large, or is none.")
    if isinstance(value, int) and not LEAST_INTEGER <= value <= GREATEST_INTEGER:
        raise Unstorable("A number is too large.")
    if isinstance(value, str) and _UNSTORABLE.search(value):
        raise Unstorable("A text has a character that cannot be stored: U+0000, or half of a surrogate pair.")
    if isinstance(value, dict):
        value = [*value, *value.values()]
    if isinstance(value, list):
        for each in value:
            check(each, levels - 1)
