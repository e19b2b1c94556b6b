"""The usage and the costs that providers export as CSV, by day and model. Pure.

Each shape is known by its columns: the exports of platform.openai.com/usage and of the Claude Console, and what their
admin APIs answer, flattened into columns (``amount.value`` or ``amount_value``). As seen in 2026-11:
https://developers.openai.com/api/reference/resources/admin (organization/usage/completions, organization/costs),
https://platform.claude.com/docs/en/build-with-claude/usage-cost-api
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation

Row = Mapping[str, str]
# What is counted, by the name of it: whole tokens or requests, or "cost" in USD.
Counts = Mapping[str, Decimal]
Key = tuple[date, str]
# The model of a row of costs that are not told apart by model.
ALL_MODELS = ""
TOKENS = ("input", "cache_read", "cache_write", "output")
COST = "cost"
# A column so named counts something, so that leaving it out would make the comparison wrong.
_COUNTS = re.compile(r"token|amount|cost|usd|num_|count")
_SIDE = re.compile(r"(?: (?:text|audio|image))?, (?:cached input|input|output)$")


class ExportRefused(Exception):
    """The file is no such export, or cannot be compared; says why."""


@dataclass(frozen=True, slots=True)
class Export:
    """``measures``: what of it can be compared. ``rounded_by``: how far off the cost of a day and model may be."""

    provider: str
    used: Mapping[Key, Counts]
    measures: Collection[str]
    rounded_by: Mapping[Key, Decimal] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Shape:
    """``needed`` columns tell it; ``known`` ones count something that is read, or part of what is."""

    name: str
    provider: str
    needed: Collection[str]
    known: Collection[str]
    measures: Collection[str]
    read: Callable[[Row], tuple[date, str, dict[str, Decimal]]]
    # Half of the last digit that costs are rounded to.
    rounded_by: Decimal = Decimal()


def read_export(lines: Iterable[str]) -> Export:
    """Raises ExportRefused."""
    rows = iter(lines)
    head = next(rows, "")
    names = [_normal(name) for name in next(csv.reader([head], delimiter=_delimiter(head)), [])]
    shape = _shape_of(names)
    reader = csv.DictReader(rows, fieldnames=names, delimiter=_delimiter(head))
    used: dict[Key, dict[str, Decimal]] = {}
    rounded: dict[Key, Decimal] = {}
    for number, row in enumerate(reader, start=2):
        if (read := _read(shape, number, row)) is None:
            continue
        day, model, counts = read
        known = used.setdefault((day, model), dict.fromkeys(shape.measures, Decimal()))
        for name, count in counts.items():
            known[name] += count
        rounded[day, model] = rounded.get((day, model), Decimal()) + shape.rounded_by
    return Export(shape.provider, used, shape.measures, rounded)


def _shape_of(names: Collection[str]) -> _Shape:
    for shape in _SHAPES:
        if set(shape.needed) <= set(names):
            if unknown := [name for name in names if _COUNTS.search(name) and name not in shape.known]:
                raise ExportRefused(
                    f"Unknown columns of {shape.name}: {', '.join(unknown)}. They may count what others do not; remove "
                    "them, or update AISTRALE."
                )
            return shape
    nearest = max(_SHAPES, key=lambda shape: len(set(shape.needed) & set(names)))
    missing = sorted(set(nearest.needed) - set(names))
    found = ", ".join(names)[:300] or "none"
    raise ExportRefused(
        "These are not the columns of an export of usage or costs of OpenAI or Anthropic. "
        f"Found: {found}. Missing for {nearest.name}: {', '.join(missing)}."
    )


def _read(shape: _Shape, number: int, row: Row) -> tuple[date, str, dict[str, Decimal]] | None:
    """None for a row of a day on which nothing was used."""
    if None in row or None in row.values():
        raise ExportRefused(f"Line {number} has too many or too few columns.")
    try:
        day, model, counts = shape.read(row)
    except (ValueError, InvalidOperation, OverflowError, OSError) as error:
        raise ExportRefused(f"Line {number} cannot be read: {str(error) or 'no number'}.") from error
    if not any(counts.values()):
        return None
    if not model and COST not in shape.measures:
        raise ExportRefused(f"Line {number} has no model. Export the usage grouped by model.")
    return day, model, counts


def _openai_usage(row: Row) -> tuple[date, str, dict[str, Decimal]]:
    cached = _number(row.get("input_cached_tokens"))
    counts = {
        "requests": _number(row.get("num_model_requests")),
        "input": _number(row["input_tokens"]) - cached,
        "cache_read": cached,
        "output": _number(row["output_tokens"]),
    }
    return _day(row.get("start_time_iso") or row["start_time"]), row["model"].strip(), counts


def _openai_costs(row: Row) -> tuple[date, str, dict[str, Decimal]]:
    """``gpt-4o-2024-08-06, cached input`` is of a model; what is of none keeps its own name."""
    _check_currency(row["amount_currency"])
    model = _SIDE.sub("", row.get("line_item", "").strip())
    return (
        _day(row.get("start_time_iso") or row["start_time"]),
        model or ALL_MODELS,
        {COST: _number(row["amount_value"])},
    )


def _anthropic_usage(row: Row) -> tuple[date, str, dict[str, Decimal]]:
    written = ("usage_input_tokens_cache_write", *(f"usage_input_tokens_cache_write_{kept}" for kept in ("5m", "1h")))
    counts = {
        "input": _number(row["usage_input_tokens_no_cache"]),
        "cache_read": _number(row.get("usage_input_tokens_cache_read")),
        "cache_write": sum((_number(row.get(name)) for name in written), Decimal()),
        "output": _number(row["usage_output_tokens"]),
    }
    return _day(row["usage_date_utc"]), row["model_version"].strip(), counts


def _anthropic_api_usage(row: Row) -> tuple[date, str, dict[str, Decimal]]:
    written = [f"cache_creation_ephemeral_{kept}_input_tokens" for kept in ("5m", "1h")]
    counts = {
        "input": _number(row["uncached_input_tokens"]),
        "cache_read": _number(row.get("cache_read_input_tokens")),
        "cache_write": sum((_number(row.get(name)) for name in written), Decimal()),
        "output": _number(row["output_tokens"]),
    }
    return _day(row["starting_at"]), row["model"].strip(), counts


def _anthropic_costs(row: Row) -> tuple[date, str, dict[str, Decimal]]:
    """Models by the names that people call them by: ``Claude Sonnet 4.5``."""
    model = row["model"].strip().lower().replace(" ", "-").replace(".", "-")
    return _day(row["usage_date_utc"]), model or ALL_MODELS, {COST: _number(row["cost_usd"])}


def _anthropic_api_costs(row: Row) -> tuple[date, str, dict[str, Decimal]]:
    """In cents."""
    _check_currency(row["currency"])
    return _day(row["starting_at"]), row.get("model", "").strip(), {COST: _number(row["amount"]) / 100}


_OPENAI_PARTS = tuple(
    f"{side}_{kind}_tokens"
    for side in ("input", "input_cached", "output")
    for kind in ("text", "audio", "image", "uncached")
)
_SHAPES: Collection[_Shape] = (
    _Shape(
        "the costs of the Claude Console",
        "anthropic",
        ("usage_date_utc", "model", "cost_usd"),
        ("token_type", "cost_usd", "list_price_usd", "cost_type"),
        (COST,),
        _anthropic_costs,
        Decimal("0.005"),
    ),
    _Shape(
        "the usage of the Claude Console",
        "anthropic",
        ("usage_date_utc", "model_version", "usage_input_tokens_no_cache", "usage_output_tokens"),
        (
            *("usage_input_tokens_no_cache", "usage_input_tokens_cache_read", "usage_input_tokens_cache_write"),
            *("usage_input_tokens_cache_write_5m", "usage_input_tokens_cache_write_1h", "usage_output_tokens"),
            *("web_search_count", "cost_type"),
        ),
        TOKENS,
        _anthropic_usage,
    ),
    _Shape(
        "Anthropic's usage API",
        "anthropic",
        ("starting_at", "model", "uncached_input_tokens", "output_tokens"),
        (
            *("uncached_input_tokens", "cache_read_input_tokens", "output_tokens", "account_id"),
            *("cache_creation_ephemeral_5m_input_tokens", "cache_creation_ephemeral_1h_input_tokens"),
        ),
        TOKENS,
        _anthropic_api_usage,
    ),
    _Shape(
        "Anthropic's cost API",
        "anthropic",
        ("starting_at", "amount", "currency"),
        ("amount", "cost_type", "token_type"),
        (COST,),
        _anthropic_api_costs,
    ),
    _Shape(
        "the usage of OpenAI",
        "openai",
        ("start_time", "model", "input_tokens", "output_tokens"),
        (
            *("num_model_requests", "input_tokens", "output_tokens", "input_cached_tokens", "input_uncached_tokens"),
            *_OPENAI_PARTS,
        ),
        ("requests", "input", "cache_read", "output"),
        _openai_usage,
    ),
    _Shape(
        "the costs of OpenAI",
        "openai",
        ("start_time", "amount_value", "amount_currency"),
        ("amount_value", "amount_currency"),
        (COST,),
        _openai_costs,
    ),
)


def _normal(name: str) -> str:
    return name.strip().lower().replace(".", "_").replace(" ", "_")


def _delimiter(head: str) -> str:
    """As spreadsheets write them in some countries, too."""
    return max((",", "\t", ";"), key=head.count)


def _check_currency(text: str) -> None:
    if text.strip().lower() not in ("usd", ""):
        raise ValueError(f"costs in {text}, not in USD")


def _number(text: str | None) -> Decimal:
    """Nothing is none; thousands may be separated."""
    value = Decimal((text or "").replace(",", "").strip() or 0)
    if not value.is_finite() or abs(value) > 10**15:
        raise ValueError(f"{text} is no such number")
    return value


def _day(text: str) -> date:
    """Of seconds since 1970, or of a date that may have a time behind it."""
    text = text.strip()
    if text.removesuffix(".0").isdecimal():
        return datetime.fromtimestamp(int(float(text)), UTC).date()
    moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return (moment.astimezone(UTC) if moment.tzinfo else moment).date()
