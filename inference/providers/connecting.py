"""How long an attempt has waited for its connection, told by the transport to whoever makes the attempt.

A place of its own, since the transport loads what calls are made with, and this loads nothing.
"""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(slots=True)
class Connecting:
    """``seconds`` are next to none where a connection was open already, and None where none was asked for."""

    seconds: float | None = None


# That of the attempt which the running task makes.
watched: ContextVar[Connecting | None] = ContextVar("watched", default=None)
