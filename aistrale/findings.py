"""What a check of doctor finds."""

from __future__ import annotations

from dataclasses import dataclass


class Failed(Exception):
    """What is wrong and what to do, in one line."""


class Warned(Exception):
    """What will be wrong if nobody does anything, and what to do, in one line."""


@dataclass(frozen=True)
class Finding:
    """``warning``: well for now, but somebody should do what the detail says."""

    name: str
    ok: bool
    detail: str
    warning: bool = False
