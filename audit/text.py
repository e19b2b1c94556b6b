"""Text that people, providers and programs send, made fit to be stored or shown. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from typing import Any

_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


def replace_unstorable(value: Any, *, longest: int | None = None) -> Any:
    """``value`` and all in it with U+FFFD for NUL and lone surrogates, which PostgreSQL cannot store.

    They are replaced rather than removed, so that a text never turns into another one that somebody else has.
    Texts are cut after ``longest`` characters.
    """
    clean = partial(replace_unstorable, longest=longest)
    if isinstance(value, str):
        return _UNSTORABLE.sub("\N{REPLACEMENT CHARACTER}", value[:longest])
    if isinstance(value, Mapping):
        return {clean(key): clean(item) for key, item in value.items()}
    return [clean(item) for item in value] if isinstance(value, list | tuple) else value


def counted(number: int, noun: str) -> str:
    """For example ``1 session`` or ``2,000 sessions``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def escape_controls(text: str, *, keep: str = "") -> str:
    """``text`` with escapes for whatever could move a cursor, end a line early or hide; ``keep`` stays as it is."""
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() or char in keep else char.encode("unicode_escape").decode() for char in text
    )
