"""What JSON from outside may hold so that PostgreSQL can store it. Pure."""

from __future__ import annotations

import math
from typing import Any

MOST_LEVELS = 64


class Unstorable(ValueError):
    """A value that is nested too deeply, too large, or has a character that the database refuses."""


def check(value: Any, levels: int = MOST_LEVELS) -> None:
    """Raises Unstorable."""
    if not levels:
        raise Unstorable(f"This is nested more than {MOST_LEVELS} levels deep.")
    if isinstance(value, float) and not math.isfinite(value):
        raise Unstorable("A number is too large, or is none.")
    if isinstance(value, str) and any(letter == "\0" or "\ud800" <= letter <= "\udfff" for letter in value):
        raise Unstorable("A text has a character that cannot be stored.")
    if isinstance(value, dict):
        value = [*value, *value.values()]
    if isinstance(value, list):
        for each in value:
            check(each, levels - 1)
