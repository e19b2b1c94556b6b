"""The tables of the dashboard: what is called most, and what costs most."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from telemetry.dashboard import numbers
from telemetry.dashboard.board import Board, Links
from telemetry.dashboard.charts import cell_bar
from telemetry.dashboard.patterns import patterns_of
from telemetry.naming import (
    Named,
    Names,
    names_of_models,
    names_of_prompts,
    names_of_provider_keys,
    names_of_users,
)
from telemetry.rollups.reading import Figures, Key

ROWS = 8
# A share of failed calls from which on it stands out.
MANY_FAILED = 0.02


@dataclass(frozen=True, slots=True)
class Row:
    named: Named
    href: str
    calls: int
    calls_bar: str
    failed: str
    has_many_failed: bool
    seconds_p95: str
    first_token_p95: str
    tokens: str
    cost: str
    cost_bar: str
    pattern: str


@dataclass(frozen=True, slots=True)
class Grouping:
    label: str
    dimensions: Sequence[str]
    names: Callable[[Sequence[Key]], Names]


def _versions(keys: Sequence[Key]) -> Names:
    names = names_of_prompts(prompt_id for prompt_id, _ in keys)
    return {(prompt_id, version): _version(names.get(prompt_id, ""), prompt_id, version) for prompt_id, version in keys}


def _version(name: str, prompt_id: UUID | None, version: int | None) -> Named:
    if prompt_id is None:
        return Named("No prompt", "", {})
    return Named(name or "Deleted prompt", f"v{version}", {"prompt": name, "version": version})


GROUPINGS: Mapping[str, Grouping] = {
    "model": Grouping("Model", ("provider", "request_model"), names_of_models),
    "user": Grouping("User", ("user_id",), names_of_users),
    "prompt": Grouping("Prompt", ("prompt_id", "prompt_version"), _versions),
    "key": Grouping("Key", ("token_id",), names_of_provider_keys),
}


def rows_of(board: Board, grouping: Grouping) -> list[Row]:
    """Those that cost most, and among equals those that are called most."""
    figures = board.reader.by(grouping.dimensions)
    ranked = sorted(figures.items(), key=lambda item: (-item[1].cost_usd, -item[1].calls))[:ROWS]
    most_calls = max((one.calls for _, one in ranked), default=0)
    most_cost = float(max((one.cost_usd for _, one in ranked), default=0))
    names = grouping.names([key for key, _ in ranked])
    patterns = patterns_of(key for key, _ in ranked) if grouping is GROUPINGS["model"] else {}
    return [_row(board.links, names[key], one, most_calls, most_cost, patterns.get(key, "")) for key, one in ranked]


def _row(links: Links, named: Named, figures: Figures, most_calls: int, most_cost: float, pattern: str) -> Row:
    share: Any = figures.failed_share
    return Row(
        named=named,
        href=links.calls(**named.filters),
        calls=figures.calls,
        calls_bar=cell_bar(figures.calls / most_calls),
        failed=f"{share * 100:.1f}%",
        has_many_failed=share >= MANY_FAILED,
        seconds_p95=numbers.seconds(figures.seconds_percentile(0.95)),
        first_token_p95=numbers.seconds(figures.first_token_percentile(0.95)),
        tokens=numbers.compact(figures.all_tokens),
        cost=numbers.cost(figures.cost_usd, unpriced=figures.unpriced),
        cost_bar=cell_bar(float(figures.cost_usd) / most_cost if most_cost else 0),
        pattern=pattern,
    )
