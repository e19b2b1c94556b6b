"""The tables of the dashboard: what is called most, and what costs most."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from accounts.models import User
from accounts.providers import label_of
from telemetry.dashboard import numbers
from telemetry.dashboard.board import Board, Links
from telemetry.dashboard.charts import cell_bar
from telemetry.models import Generation
from telemetry.rollups.reading import Figures, Key

ROWS = 8
# A share of failed calls from which on it stands out.
MANY_FAILED = 0.02


@dataclass(frozen=True, slots=True)
class Named:
    """What a row is about. ``filters``: those of the list of its calls."""

    name: str
    note: str
    filters: Mapping[str, object]
    is_code: bool = False


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


@dataclass(frozen=True, slots=True)
class Grouping:
    label: str
    dimensions: Sequence[str]
    named: Callable[[Key], Named]


def _model(key: Key) -> Named:
    provider, model = key
    return Named(model, label_of(provider), {"provider": provider, "model": model}, is_code=True)


def _user(key: Key) -> Named:
    user = User.objects.filter(pk=key[0]).first()
    return Named(user.email, user.name, {"user": user.audit_id}) if user else Named("Deleted users", "", {})


def _prompt(key: Key) -> Named:
    prompt_id, version = key
    if prompt_id is None:
        return Named("No prompt", "", {})
    calls = Generation.objects.filter(prompt_id=prompt_id, prompt_version=version)
    name = calls.exclude(prompt_name="").values_list("prompt_name", flat=True).first()
    return Named(name or "Deleted prompt", f"v{version}", {"prompt": name or "", "version": version})


def _key(key: Key) -> Named:
    token_id: UUID | None = key[0]
    if token_id is None:
        return Named("No key", "", {})
    label = Generation.objects.filter(token_id=token_id).values_list("token_label", flat=True).first()
    return Named(label or "Deleted key", "", {"key": token_id})


GROUPINGS: Mapping[str, Grouping] = {
    "model": Grouping("Model", ("provider", "request_model"), _model),
    "user": Grouping("User", ("user_id",), _user),
    "prompt": Grouping("Prompt", ("prompt_id", "prompt_version"), _prompt),
    "key": Grouping("Key", ("token_id",), _key),
}


def rows_of(board: Board, grouping: Grouping) -> list[Row]:
    """Those that cost most, and among equals those that are called most."""
    figures = board.reader.by(grouping.dimensions)
    ranked = sorted(figures.items(), key=lambda item: (-item[1].cost_usd, -item[1].calls))[:ROWS]
    most_calls = max((one.calls for _, one in ranked), default=0)
    most_cost = float(max((one.cost_usd for _, one in ranked), default=0))
    return [_row(board.links, grouping.named(key), one, most_calls, most_cost) for key, one in ranked]


def _row(links: Links, named: Named, figures: Figures, most_calls: int, most_cost: float) -> Row:
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
    )
