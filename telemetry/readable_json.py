"""JSON that others have written, for people to read. Pure."""

from __future__ import annotations

import json
import math
from typing import Any

# What is longer is shown as it was written.
MOST_CHARACTERS = 200_000


def indented(text: str) -> str | None:
    """The same JSON over several lines; None where that would not show all of it, or where it is none."""
    if len(text) > MOST_CHARACTERS:
        return None
    try:
        value = json.loads(text, object_pairs_hook=_object, parse_float=_number, parse_constant=_constant)
        return json.dumps(value, ensure_ascii=False, indent=2)
    except (ValueError, RecursionError):
        return None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) != len(pairs):
        raise ValueError("A name stands there twice.")
    return dict(pairs)


def _number(digits: str) -> float:
    """Raises ValueError for what a float does not hold exactly."""
    number = float(digits)
    if not math.isfinite(number) or len(digits) > 17:
        raise ValueError(digits)
    return number


def _constant(name: str) -> Any:
    raise ValueError(name)
