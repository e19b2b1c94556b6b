"""What a provider says was used, or has cost, against what is recorded here, by day and model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection

from telemetry.call_ids import first_id, first_id_after
from telemetry.prices.usage_exports import ALL_MODELS, COST, Counts, Export, Key
from telemetry.pricing import listed_name
from telemetry.time_ranges import ordered_after

NAMES = {
    "requests": "requests",
    "input": "input tokens",
    "cache_read": "cache read tokens",
    "cache_write": "cache write tokens",
    "output": "output tokens",
}
# Calls of the provider itself, not of gateways that speak its dialect. Reasoning is output to all exports.
_OURS = """
SELECT (started_at AT TIME ZONE 'UTC')::date, coalesce(nullif(response_model, ''), request_model), count(*),
  coalesce(sum(input_tokens), 0), coalesce(sum(cache_read_tokens), 0), coalesce(sum(cache_write_tokens), 0),
  coalesce(sum(output_tokens), 0) + coalesce(sum(reasoning_tokens), 0), coalesce(sum(cost_usd), 0),
  count(*) FILTER (WHERE usage_source = 'estimated'), count(*) FILTER (WHERE cost_usd IS NULL)
FROM telemetry_generation
WHERE provider = %(provider)s AND base_url = '' AND started_at >= %(start)s AND started_at < %(end)s
  AND input_tokens IS NOT NULL AND ({ids})
GROUP BY 1, 2
"""
_MEASURES = ("requests", "input", "cache_read", "cache_write", "output", COST, "estimated", "unpriced")


@dataclass(frozen=True, slots=True)
class Difference:
    """``theirs`` and ``ours`` are the counts of ``what``; ``why`` says what may explain it, if anything is known."""

    day: date
    model: str
    what: str
    theirs: Decimal
    ours: Decimal
    why: str

    def __str__(self) -> str:
        why = f" ({self.why})" if self.why else ""
        model = self.model or "all models"
        more = self.ours - self.theirs
        if self.what == COST:
            sign = "-" if more < 0 else "+"
            return (
                f"{self.day} {model}: ${self.theirs:,.6f} there, ${self.ours:,.6f} here, {sign}${abs(more):,.6f}{why}"
            )
        return (
            f"{self.day} {model}: {self.theirs:,.0f} {NAMES[self.what]} there, {self.ours:,.0f} here, {more:+,.0f}{why}"
        )


def differences(export: Export, *, tolerance: float = 0.0) -> list[Difference]:
    """By day and model. What differs by at most ``tolerance`` (0 to 1) of the provider's figure is left out."""
    theirs = _by_listed_name(export.provider, export.used)
    if not theirs:
        return []
    days = [day for day, _ in theirs]
    recorded = _recorded(export.provider, min(days), max(days))
    has_models = any(model != ALL_MODELS for _, model in theirs)
    ours = _by_listed_name(export.provider, recorded if has_models else _of_all_models(recorded))
    rounded = _by_listed_name(export.provider, {key: {COST: value} for key, value in export.rounded_by.items()})
    return [
        found
        for key in sorted(theirs.keys() | ours.keys())
        for name in export.measures
        if (found := _compared(key, name, theirs.get(key), ours.get(key), rounded.get(key, {}), tolerance))
    ]


def _compared(
    key: Key, name: str, theirs: Counts | None, ours: Counts | None, rounded: Counts, tolerance: float
) -> Difference | None:
    there, here = ((counts or {}).get(name, Decimal()) for counts in (theirs, ours))
    if abs(there - here) <= max(Decimal(tolerance) * abs(there), rounded.get(name, Decimal())):
        return None
    return Difference(*key, name, there, here, _reason(name, theirs, ours))


def _reason(name: str, theirs: Counts | None, ours: Counts | None) -> str:
    if theirs is None:
        return "only recorded here"
    if ours is None:
        return "not called through AISTRALE"
    known = [("estimated", "estimated here")] + ([("unpriced", "without a price here")] if name == COST else [])
    return ", ".join(f"{ours[what]:,.0f} {told}" for what, told in known if ours.get(what))


def _of_all_models(recorded: Mapping[Key, Counts]) -> dict[Key, Counts]:
    return _summed(((day, ALL_MODELS), counts) for (day, _), counts in recorded.items())


def _by_listed_name(provider: str, used: Mapping[Key, Counts]) -> dict[Key, Counts]:
    """Whatever date or alias a model is called by."""
    return _summed(((day, listed_name(provider, model) or model), counts) for (day, model), counts in used.items())


def _summed(rows: Iterator[tuple[Key, Counts]]) -> dict[Key, Counts]:
    summed: dict[Key, dict[str, Decimal]] = {}
    for key, counts in rows:
        known = summed.setdefault(key, {})
        for name, count in counts.items():
            known[name] = known.get(name, Decimal()) + count
    return {**summed}


def _recorded(provider: str, first: date, last: date) -> dict[Key, Counts]:
    """What was used, and how many of the calls are estimates, or have no price."""
    start = datetime.combine(first, time.min, UTC)
    end = datetime.combine(last, time.min, UTC) + timedelta(days=1)
    random_until = ordered_after()
    prunes = not (random_until and start <= random_until)
    statement = _OURS.format(ids="id >= %(first)s AND id < %(last)s" if prunes else "true")
    values: dict[str, Any] = {"provider": provider, "start": start, "end": end}
    with connection.cursor() as cursor:
        cursor.execute(statement, {**values, "first": first_id(start), "last": first_id_after(end)})
        rows = cursor.fetchall()
    return {(day, model): dict(zip(_MEASURES, map(Decimal, counts), strict=True)) for day, model, *counts in rows}
