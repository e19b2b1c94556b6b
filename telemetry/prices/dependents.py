"""Who still calls a model that retires, by name."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from django.urls import reverse

from telemetry.costs.naming import GROUPINGS
from telemetry.prices.retirements import LATELY, RetirementView
from telemetry.rollups.coverage import Span
from telemetry.rollups.reading import Reader

MOST = 10


@dataclass(frozen=True, slots=True)
class Dependents:
    """``named``: name, calls, and the address of their list. The most frequent first."""

    label: str
    named: Sequence[tuple[str, int, str]]


def with_dependents(
    views: Sequence[RetirementView], *, users: Collection[int] | None, now: datetime
) -> list[tuple[RetirementView, list[Dependents]]]:
    """Users only where those of all are meant: whoever sees own calls alone knows who makes them."""
    groups = [key for key in ("prompt", "key", "user") if key != "user" or users is None]
    return [(view, [_dependents(view, key, users, now) for key in groups]) for view in views]


def _dependents(view: RetirementView, group: str, users: Collection[int] | None, now: datetime) -> Dependents:
    grouping = GROUPINGS[group]
    model = {"provider": view.retirement.provider, "request_model": view.retirement.model}
    reader = Reader(Span(now - LATELY, now), now=now, users=users, alike=model)
    found = {key: one.calls for key, one in reader.by(grouping.dimensions, with_durations=False).items() if key[0]}
    keys = sorted(found, key=lambda key: -found[key])[:MOST]
    names = grouping.names(keys)
    filters = {"provider": view.retirement.provider, "model": view.retirement.model, "range": "30d"}
    path = reverse("telemetry:generation-list")
    return Dependents(
        grouping.label,
        [(names[key].name, found[key], f"{path}?{urlencode({**filters, **names[key].filters})}") for key in keys],
    )
