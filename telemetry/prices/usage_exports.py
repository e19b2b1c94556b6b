"""The usage that providers export as CSV, by day and model. Pure.

OpenAI: the export of platform.openai.com/usage, whose columns are the fields of its usage API
(https://developers.openai.com/api/reference/resources/admin, organization/usage/completions). Anthropic: the export of
the Claude Console's page of usage. Both as seen in 2026-11.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime

Row = Mapping[str, str]


class ExportRefused(Exception):
    """The file is no such export; says why."""


@dataclass(frozen=True, slots=True)
class Used:
    """``requests`` None: the export does not count them. ``input`` is without what was cached."""

    requests: int | None = 0
    input: int = 0
    cache_read: int = 0
    cache_write: int = 0
    output: int = 0

    def __add__(self, other: Used) -> Used:
        requests = None if self.requests is None or other.requests is None else self.requests + other.requests
        counts = {one.name: getattr(self, one.name) + getattr(other, one.name) for one in fields(self)[1:]}
        return Used(requests, **counts)


@dataclass(frozen=True, slots=True)
class Export:
    provider: str
    used: Mapping[tuple[date, str], Used]


def read_export(lines: Iterable[str]) -> Export:
    """Raises ExportRefused."""
    reader = csv.DictReader(lines)
    columns = set(reader.fieldnames or ())
    for provider, (needed, read) in _READERS.items():
        if needed <= columns:
            return Export(provider, _summed(read, reader))
    raise ExportRefused("These are not the columns of a usage export of OpenAI or Anthropic.")


def _summed(read: Callable[[Row], tuple[date, str, Used]], rows: Iterable[Row]) -> dict[tuple[date, str], Used]:
    used: dict[tuple[date, str], Used] = {}
    for number, row in enumerate(rows, start=2):
        if None in row.values():
            raise ExportRefused(f"Line {number} has too few columns.")
        try:
            day, model, one = read(row)
        except (ValueError, KeyError, TypeError, OverflowError) as error:
            raise ExportRefused(f"Line {number} cannot be read: {error}.") from error
        if model:
            used[day, model] = used[day, model] + one if (day, model) in used else one
    return used


def _openai(row: Row) -> tuple[date, str, Used]:
    cached = _count(row.get("input_cached_tokens"))
    used = Used(
        requests=_count(row.get("num_model_requests")),
        input=_count(row["input_tokens"]) - cached,
        cache_read=cached,
        output=_count(row["output_tokens"]),
    )
    return _day(row.get("start_time_iso") or row["start_time"]), row["model"], used


def _anthropic(row: Row) -> tuple[date, str, Used]:
    written = [_count(row.get(f"usage_input_tokens_cache_write_{kept}")) for kept in ("5m", "1h")]
    used = Used(
        requests=None,
        input=_count(row["usage_input_tokens_no_cache"]),
        cache_read=_count(row.get("usage_input_tokens_cache_read")),
        cache_write=sum(written),
        output=_count(row["usage_output_tokens"]),
    )
    return _day(row["usage_date_utc"]), row["model_version"], used


_READERS: Mapping[str, tuple[set[str], Callable[[Row], tuple[date, str, Used]]]] = {
    "anthropic": (
        {"usage_date_utc", "model_version", "usage_input_tokens_no_cache", "usage_output_tokens"},
        _anthropic,
    ),
    "openai": ({"start_time", "model", "input_tokens", "output_tokens"}, _openai),
}


def _count(text: str | None) -> int:
    """Nothing is none; thousands may be separated."""
    return int(float((text or "0").replace(",", "").strip() or 0))


def _day(text: str) -> date:
    """Of seconds since 1970, or of a date that may have a time behind it."""
    if text.strip().isdecimal():
        return datetime.fromtimestamp(int(text), UTC).date()
    return datetime.fromisoformat(text.strip().replace("Z", "+00:00")).date()
