"""Token counts and costs as providers report them, made into disjoint classes. Pure.

Providers count differently: reasoning inside the completion or beside it, cached tokens inside the prompt or beside it,
figures as numbers, floats or texts, final ones or cumulative ones. What cannot be read counts as not reported.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from itertools import product
from typing import Any

from inference.providers.base import Usage

MOST_TOKENS = 2**31 - 1
_NUMBER = re.compile(r"\s*\d{1,10}(\.0*)?\s*", re.ASCII)
# https://docs.x.ai/developers/cost-tracking (2026-11)
_TICKS_PER_USD = Decimal(10) ** 10


class Counts:
    """The figures of one call, from however many reports. None of them ever shrinks.

    ``fields`` maps our name of a figure to the names under which it is reported, with a dot before a nested one.
    """

    def __init__(self, fields: Mapping[str, Sequence[str]]) -> None:
        self._fields = fields
        self._figures: dict[str, int] = {}
        self._cost: Decimal | None = None
        self._latest: Any = None
        self.unreadable: Any = None

    def add(self, report: Any) -> bool:
        """Take a report as it was sent. Whether it told something new; ``unreadable`` keeps what made no sense."""
        if not report or report == self._latest:
            return False
        self._latest = report
        if not isinstance(report, Mapping):
            self.unreadable = report
            return False
        before = self._figures.copy(), self._cost
        for figure, names in self._fields.items():
            values = [value for value in (_at(report, name) for name in names) if value is not None]
            counts = [count for count in map(count_of, values) if count is not None]
            if len(counts) < len(values):
                self.unreadable = report
            if counts:
                count = next(filter(None, counts), 0)
                self._figures[figure] = max(count, self._figures.get(figure, 0))
        cost = cost_of(report)
        if cost is not None:
            self._cost = max(cost, self._cost or cost)
        return (self._figures, self._cost) != before

    def get(self, field: str) -> int | None:
        return self._figures.get(field)

    def some(self, *figures: str) -> dict[str, int]:
        """Those of these figures that are not 0."""
        return {figure: self._figures[figure] for figure in figures if self._figures.get(figure)}

    def __getitem__(self, field: str) -> int:
        return self._figures.get(field, 0)

    @property
    def cost_usd(self) -> str | None:
        return None if self._cost is None else f"{self._cost:f}"[:40]


def _at(report: Mapping[str, Any], name: str) -> Any:
    outer, dot, inner = name.partition(".")
    value = report.get(outer)
    return value if not dot else value.get(inner) if isinstance(value, Mapping) else None


def count_of(value: Any) -> int | None:
    """A number of tokens, from a number or a text; None for anything that is none."""
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= MOST_TOKENS:
        return None
    return int(value) if value == int(value) else None


def cost_of(report: Mapping[str, Any]) -> Decimal | None:
    """What the call cost in USD, where the provider says so; with a key of one's own, also what its owner charges."""
    cost, details = report.get("cost"), report.get("cost_details")
    if isinstance(cost, Mapping):
        return _first_amount(cost.get("total_cost"), cost.get("total"))
    if report.get("is_byok") is True and isinstance(details, Mapping):
        upstream = _amount(details.get("upstream_inference_cost"))
        return None if upstream is None else upstream + (_amount(cost) or 0)
    ticks = _amount(report.get("cost_in_usd_ticks"))
    return ticks / _TICKS_PER_USD if ticks else _first_amount(cost, report.get("estimated_cost"))


def _first_amount(*values: Any) -> Decimal | None:
    return next((amount for amount in map(_amount, values) if amount is not None), None)


def _amount(value: Any) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        amount = Decimal(str(value)[:40])
    except InvalidOperation:
        return None
    return amount if amount.is_finite() and 0 <= amount < 10**16 else None


@dataclass(frozen=True, slots=True)
class Report:
    """What a provider counts, before it is known what includes what. ``reasoning`` None means not told."""

    prompt: int
    completion: int
    reasoning: int | None = None
    cache_read: int = 0
    cache_write: int = 0
    parts: Mapping[str, int] = field(default_factory=dict)
    total: int | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """One way to count: whether the prompt includes what was cached, and the completion the reasoning."""

    cached_inside: bool
    reasoning_inside: bool

    def fits(self, report: Report) -> bool:
        cached = report.cache_read + report.cache_write
        return (not self.cached_inside or cached <= report.prompt) and (
            not self.reasoning_inside or (report.reasoning or 0) <= report.completion
        )

    def total(self, report: Report) -> int:
        cached = 0 if self.cached_inside else report.cache_read + report.cache_write
        return report.prompt + cached + report.completion + (0 if self.reasoning_inside else report.reasoning or 0)


def disjoint(report: Report, usual: Reading, *, cost_usd: str | None = None) -> Usage:
    """The tokens of each class, each counted once. Where the total contradicts the parts, the parts are believed.

    Which reading is meant, the total tells; without a total it is the ``usual`` one, unless that is impossible.
    More in total than in all parts together are thoughts that the provider does not name.
    """
    others = [Reading(*inside) for inside in product((True, False), repeat=2)]
    readings = [reading for reading in (usual, *others) if reading.fits(report)]
    reading = next((reading for reading in readings if reading.total(report) == report.total), readings[0])
    unnamed, note = _beyond(report, reading.total(report))
    reasoning = report.reasoning or 0
    cached = report.cache_read + report.cache_write
    return Usage(
        input=report.prompt - (cached if reading.cached_inside else 0),
        cache_read=report.cache_read,
        cache_write=report.cache_write,
        parts=report.parts,
        output=report.completion - (reasoning if reading.reasoning_inside else 0),
        reasoning=reasoning + unnamed,
        cost_usd=cost_usd,
        note=note,
    )


def _beyond(report: Report, counted: int) -> tuple[int, str]:
    """The tokens that only the total knows, and what a reader of the receipt should know about them."""
    if report.total is None or report.total == counted:
        return 0, ""
    if report.total > counted and report.reasoning is None:
        unnamed = report.total - counted
        return unnamed, f"The provider's total names {unnamed:,} more tokens than its parts: counted as reasoning."
    return 0, (
        f"The provider's total of {report.total:,} tokens contradicts its parts, which make {counted:,}: "
        "the parts were believed."
    )
