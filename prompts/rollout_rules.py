"""Who is served the version that is rolled out, and when it is taken back. Pure."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

# As if drawn by somebody who is never among the first percents.
NOBODY = 100


def draw(prompt: str, label: str, caller: str = "") -> int:
    """From 0 to 99: always the same for a caller, by chance without one. Those below the percentage are included.

    So whoever is served the new version at 10 % is served it at 20 % too.
    """
    if not caller:
        return secrets.randbelow(100)
    digest = hashlib.sha256("\0".join((prompt, label, caller)).encode()).digest()
    return int.from_bytes(digest[:8]) % 100


@dataclass(frozen=True, slots=True)
class Figures:
    """Of the calls with one version that have ended. None: of none of them is it known."""

    calls: int = 0
    failed: int = 0
    seconds_p95: float | None = None
    usd_per_call: Decimal | None = None

    @property
    def error_percent(self) -> float | None:
        return 100 * self.failed / self.calls if self.calls else None


@dataclass(frozen=True, slots=True)
class Guards:
    """Limits for calls with the version that is rolled out, None for none. They count from ``min_calls`` on."""

    min_calls: int
    error_percent: float | None = None
    seconds_p95: float | None = None
    usd_per_call: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """One guard: its limit, and the figure as it is so far."""

    title: str
    value: float | Decimal | None
    limit: float | Decimal
    unit: str

    @property
    def is_exceeded(self) -> bool:
        return self.value is not None and self.value > self.limit

    @property
    def value_text(self) -> str:
        return "–" if self.value is None else self._text(self.value)

    @property
    def limit_text(self) -> str:
        return self._text(self.limit)

    def _text(self, value: float | Decimal) -> str:
        return f"${value:.6f}" if self.unit == "$" else f"{value:.2f}".rstrip("0").rstrip(".") + self.unit


def checks(guards: Guards, figures: Figures) -> Iterator[Check]:
    """Of the guards that have a limit."""
    if guards.error_percent is not None:
        yield Check("Error rate", figures.error_percent, guards.error_percent, "%")
    if guards.seconds_p95 is not None:
        yield Check("p95 duration", figures.seconds_p95, guards.seconds_p95, " s")
    if guards.usd_per_call is not None:
        yield Check("Cost per call", figures.usd_per_call, guards.usd_per_call, "$")


def objection(guards: Guards, figures: Figures) -> str:
    """Why the version is to be taken back, or nothing."""
    if figures.calls < guards.min_calls:
        return ""
    exceeded = (check for check in checks(guards, figures) if check.is_exceeded)
    if (check := next(exceeded, None)) is None:
        return ""
    return f"{check.title} was {check.value_text}, limit {check.limit_text}, on {figures.calls:,} calls."
