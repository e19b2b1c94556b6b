"""Text from anywhere, made fit for the database."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def strip_unstorable(value: Any, *, longest: int | None = None) -> Any:
    """``value`` and all in it without NUL and lone surrogates, which PostgreSQL cannot store.

    Each text in it is cut to ``longest`` characters.
    """
    if isinstance(value, str):
        return value[:longest].replace("\x00", "").encode("utf-8", "replace").decode()
    if isinstance(value, Mapping):
        return {
            strip_unstorable(key, longest=longest): strip_unstorable(item, longest=longest)
            for key, item in value.items()
        }
    return [strip_unstorable(item, longest=longest) for item in value] if isinstance(value, list | tuple) else value
