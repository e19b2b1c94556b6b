"""What a provider says was used, against what is recorded here, by day and model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.db import connection

from telemetry.call_ids import first_id, first_id_after
from telemetry.prices.usage_exports import Export, Used
from telemetry.pricing import listed_name
from telemetry.time_ranges import ordered_after

NAMES = {
    "requests": "requests",
    "input": "input tokens",
    "cache_read": "cache read tokens",
    "cache_write": "cache write tokens",
    "output": "output tokens",
}
# Calls of the provider itself, not of gateways that speak its dialect. Reasoning is output to both exports.
_OURS = """
SELECT (started_at AT TIME ZONE 'UTC')::date, coalesce(nullif(response_model, ''), request_model), count(*),
  coalesce(sum(input_tokens), 0), coalesce(sum(cache_read_tokens), 0), coalesce(sum(cache_write_tokens), 0),
  coalesce(sum(output_tokens), 0) + coalesce(sum(reasoning_tokens), 0),
  count(*) FILTER (WHERE usage_source = 'estimated')
FROM telemetry_generation
WHERE provider = %(provider)s AND base_url = '' AND started_at >= %(start)s AND started_at < %(end)s
  AND input_tokens IS NOT NULL AND ({ids})
GROUP BY 1, 2
"""


@dataclass(frozen=True, slots=True)
class Difference:
    """``theirs`` and ``ours`` are the counts of ``what``; ``why`` says what may explain it, if anything is known."""

    day: date
    model: str
    what: str
    theirs: int
    ours: int
    why: str

    def __str__(self) -> str:
        why = f" ({self.why})" if self.why else ""
        more = self.ours - self.theirs
        return f"{self.day} {self.model}: {self.theirs:,} {self.what} there, {self.ours:,} here, {more:+,}{why}"


def differences(export: Export, *, tolerance: float = 0.0) -> list[Difference]:
    """By day and model. What differs by at most ``tolerance`` (0 to 1) of the provider's figure is left out."""
    theirs = _by_listed_name(export.provider, export.used)
    if not theirs:
        return []
    days = [day for day, _ in theirs]
    recorded, estimated = _recorded(export.provider, min(days), max(days))
    ours = _by_listed_name(export.provider, recorded)
    guessed = {(day, _name(export.provider, model)): count for (day, model), count in estimated.items() if count}
    return [
        found
        for key in sorted(theirs.keys() | ours.keys())
        for found in _compared(key, theirs.get(key), ours.get(key), guessed.get(key, 0), tolerance)
    ]


def _compared(
    key: tuple[date, str], theirs: Used | None, ours: Used | None, estimated: int, tolerance: float
) -> Iterator[Difference]:
    why = f"{estimated:,} estimated here" if estimated else ""
    if theirs is None:
        why = "only recorded here"
    elif ours is None:
        why = "not called through AISTRALE"
    for name in (one.name for one in fields(Used)):
        there, here = getattr(theirs or Used(), name), getattr(ours or Used(), name)
        if there is not None and here is not None and abs(there - here) > tolerance * there:
            yield Difference(*key, NAMES[name], there, here, why)


def _by_listed_name(provider: str, used: Mapping[tuple[date, str], Used]) -> dict[tuple[date, str], Used]:
    """Whatever date or alias a model is called by."""
    summed: dict[tuple[date, str], Used] = {}
    for (day, model), one in used.items():
        key = day, _name(provider, model)
        summed[key] = summed[key] + one if key in summed else one
    return summed


def _name(provider: str, model: str) -> str:
    return listed_name(provider, model) or model


def _recorded(
    provider: str, first: date, last: date
) -> tuple[dict[tuple[date, str], Used], dict[tuple[date, str], int]]:
    """What was used, and how many of the calls are estimates."""
    start = datetime.combine(first, time.min, UTC)
    end = datetime.combine(last, time.min, UTC) + timedelta(days=1)
    random_until = ordered_after()
    prunes = not (random_until and start <= random_until)
    statement = _OURS.format(ids="id >= %(first)s AND id < %(last)s" if prunes else "true")
    values: dict[str, Any] = {"provider": provider, "start": start, "end": end}
    with connection.cursor() as cursor:
        cursor.execute(statement, {**values, "first": first_id(start), "last": first_id_after(end)})
        rows = cursor.fetchall()
    used = {(day, model): Used(*map(int, counts)) for day, model, *counts, _ in rows}
    return used, {(day, model): int(estimated) for day, model, *_, estimated in rows}
