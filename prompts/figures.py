"""How versions do in calls, each beside another. Calls are in another app: whoever knows both sets
``figures_by_version`` at the start.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Protocol
from uuid import UUID

from django.utils import timezone

from prompts.models import Prompt, PromptVersion

PERIOD = timedelta(days=30)
# Within these, versions count as alike; with fewer calls nothing is said.
ALIKE, ALIKE_POINTS = 0.1, 0.5
FEWEST_CALLS = 20


class Figures(Protocol):
    """``failed`` of ``ended``: ``error_rate`` from 0 to 1; ``cost_usd`` of one call, on average; ``good`` and
    ``bad`` ratings.
    """

    @property
    def uses(self) -> int: ...
    @property
    def ended(self) -> int: ...
    @property
    def failed(self) -> int: ...
    @property
    def error_rate(self) -> float | None: ...
    @property
    def seconds_p50(self) -> float | None: ...
    @property
    def seconds_p95(self) -> float | None: ...
    @property
    def cost_usd(self) -> Decimal | None: ...
    @property
    def good(self) -> int: ...
    @property
    def bad(self) -> int: ...


class FiguresSource(Protocol):
    def __call__(self, prompt_id: UUID, versions: Collection[int], *, since: datetime) -> Mapping[int, Figures]: ...


def _no_calls(prompt_id: UUID, versions: Collection[int], *, since: datetime) -> Mapping[int, Figures]:
    return {}


figures_by_version: FiguresSource = _no_calls


@dataclass(frozen=True, slots=True)
class Measure:
    """A figure of two versions, of which the lower one is better. ``kind``: rate (in percent), seconds or usd."""

    title: str
    kind: str
    old: float | Decimal | None
    new: float | Decimal | None

    @property
    def verdict(self) -> str:
        """Better, worse or similar; empty where one of the two is not known."""
        if self.old is None or self.new is None:
            return ""
        difference = float(self.new) - float(self.old)
        alike = ALIKE_POINTS if self.kind == "rate" else ALIKE * float(self.old)
        if abs(difference) <= alike:
            return "similar"
        return "worse" if difference > 0 else "better"

    @property
    def change(self) -> str:
        """For example ``↓ 18%``, or ``↑ 1.3 pt`` (percentage points) of a rate."""
        if self.old is None or self.new is None or self.old == self.new:
            return ""
        difference = float(self.new) - float(self.old)
        arrow = "↑" if difference > 0 else "↓"
        if self.kind == "rate":
            return f"{arrow} {abs(difference):.1f} pt"
        return f"{arrow} {abs(difference) / float(self.old):.0%}" if self.old else arrow


_MEASURED = (
    ("Duration p50", "seconds", "seconds_p50"),
    ("Duration p95", "seconds", "seconds_p95"),
    ("Cost per call", "usd", "cost_usd"),
)


@dataclass(frozen=True, slots=True)
class Comparison:
    """A version beside the one before it, if there is one; no figures where nothing was called with it."""

    old_number: int | None
    new_number: int
    old: Figures | None
    new: Figures | None

    fewest_calls = FEWEST_CALLS

    @property
    def is_used(self) -> bool:
        return self.old is not None or self.new is not None

    @property
    def measures(self) -> Iterator[Measure]:
        yield Measure("Error rate", "rate", error_percent(self.old), error_percent(self.new))
        for title, kind, name in _MEASURED:
            yield Measure(title, kind, getattr(self.old, name, None), getattr(self.new, name, None))

    @property
    def has_enough_calls(self) -> bool:
        return all(figures is not None and figures.uses >= FEWEST_CALLS for figures in (self.old, self.new))

    @property
    def worse(self) -> list[str]:
        return [measure.title for measure in self.measures if measure.verdict == "worse"]

    @property
    def better(self) -> list[str]:
        return [measure.title for measure in self.measures if measure.verdict == "better"]


def error_percent(figures: Figures | None) -> float | None:
    return figures.error_rate * 100 if figures and figures.error_rate is not None else None


def figures_of(prompt: Prompt, numbers: Collection[int]) -> Mapping[int, Figures]:
    """Of the last 30 days, for the versions that were used. One query."""
    return figures_by_version(prompt.pk, numbers, since=timezone.now() - PERIOD)


def comparison(old: PromptVersion | None, new: PromptVersion, figures: Mapping[int, Figures]) -> Comparison:
    before = old if old and old.number != new.number else None
    return Comparison(
        before.number if before else None,
        new.number,
        figures.get(before.number) if before else None,
        figures.get(new.number),
    )
