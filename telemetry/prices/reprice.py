"""Pricing recorded calls anew. The receipt that a call had stays within the new one, under ``earlier``.

Calls are gone through in order of time, in batches of one transaction each. What costs the same is not touched, so that
doing it again, or going on after it was broken off, changes nothing twice. The trigger of calls marks the hours that
have changed, which the rollups then count anew.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone

from audit.services import record
from telemetry.actions import TelemetryAction
from telemetry.models import Generation, GenerationQuerySet, PriceOverride, Status
from telemetry.prices import price_lists
from telemetry.pricing import REPORTED, Receipt, TokenCounts, price
from telemetry.pricing import PriceOverride as Override

BATCH = 2000
_COLUMNS = (
    *("id", "started_at", "provider", "base_url", "request_model", "response_model"),
    *("input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens", "reasoning_tokens"),
    *("usage_details", "cost_usd", "receipt"),
)


@dataclass(frozen=True, slots=True)
class Scope:
    """``endpoint``: a provider, or a base URL. Empty texts leave nothing out."""

    since: datetime
    endpoint: str = ""
    model: str = ""

    def calls(self, until: datetime) -> GenerationQuerySet:
        calls = Generation.objects.between(self.since, until).exclude(status=Status.RUNNING)
        calls = calls.filter(input_tokens__isnull=False)
        if self.endpoint:
            calls = calls.filter(Q(provider=self.endpoint) | Q(base_url=self.endpoint))
        return calls.filter(request_model=self.model) if self.model else calls

    def as_json(self) -> dict[str, str]:
        return {"since": self.since.isoformat(), "endpoint": self.endpoint, "model": self.model}


@dataclass(slots=True)
class Totals:
    """Of the calls that were looked at; in USD before and after."""

    calls: int = 0
    changed: int = 0
    newly_priced: int = 0
    unpriced: int = 0
    old_usd: Decimal = Decimal()
    new_usd: Decimal = Decimal()

    def add(self, call: Generation, new: Receipt | None) -> None:
        old = call.cost_usd
        cost = new.total if new else old
        self.calls += 1
        self.changed += new is not None
        self.newly_priced += new is not None and old is None
        self.unpriced += cost is None
        self.old_usd += old or 0
        self.new_usd += cost or 0


@dataclass(slots=True)
class Result:
    """By provider and model, and in all."""

    by_model: dict[tuple[str, str], Totals] = field(default_factory=dict)
    total: Totals = field(default_factory=Totals)

    def add(self, call: Generation, new: Receipt | None) -> None:
        self.total.add(call, new)
        self.by_model.setdefault((call.provider, call.request_model), Totals()).add(call, new)


def reprice(*, scope: Scope, is_dry: bool) -> Result:
    """At the prices of the day of each call, as they are known now. Recorded before and after, unless it is dry."""
    price_lists.refresh()
    result, until = Result(), timezone.now()
    overrides = [one.for_pricing() for one in PriceOverride.objects.all()]
    if not is_dry:
        _record(scope, {"step": "started"})
    for batch in _batches(scope.calls(until)):
        found = [(call, _changed(call, overrides)) for call in batch]
        if not is_dry:
            _store([(call, new) for call, new in found if new])
        for call, new in found:
            result.add(call, new)
    if not is_dry:
        total = result.total
        usd = {"old_usd": f"{total.old_usd:f}", "new_usd": f"{total.new_usd:f}"}
        _record(scope, {"step": "ended", "calls": total.calls, "changed": total.changed, **usd})
    return result


@transaction.atomic
def _record(scope: Scope, after: Mapping[str, Any]) -> None:
    record(action=TelemetryAction.CALLS_REPRICE, actor=None, after={**scope.as_json(), **after})


def _batches(calls: GenerationQuerySet) -> Iterator[Sequence[Generation]]:
    rows = calls.only(*_COLUMNS).order_by("started_at", "id")
    batch = list(rows[:BATCH])
    while batch:
        yield batch
        last = batch[-1]
        after = Q(started_at__gt=last.started_at) | Q(started_at=last.started_at, id__gt=last.pk)
        batch = list(rows.filter(after, started_at__gte=last.started_at)[:BATCH])


def _changed(call: Generation, overrides: Sequence[Override]) -> Receipt | None:
    """What the call costs, if that is something else than it did. What the provider itself has reported stays."""
    old = call.receipt or {}
    if old.get("source") == REPORTED:
        return None
    new = _receipt(call, overrides)
    return new if new and new.total != call.cost_usd else None


def _receipt(call: Generation, overrides: Sequence[Override]) -> Receipt | None:
    tokens = TokenCounts(
        call.input_tokens or 0,
        call.cache_read_tokens or 0,
        call.cache_write_tokens or 0,
        call.output_tokens or 0,
        call.reasoning_tokens or 0,
    )
    details = dict(call.usage_details) or _details_of(call.receipt)
    tier = details.pop("service_tier", "")
    names = dict.fromkeys(filter(None, (call.request_model, call.response_model)))
    receipts = (
        price(
            tokens,
            provider=call.provider,
            model=name,
            base_url=call.base_url,
            at=call.started_at,
            overrides=overrides,
            parts=details,
            service_tier=tier,
        )
        for name in names
    )
    return next((receipt for receipt in receipts if receipt is not None), None)


def _details_of(receipt: Mapping[str, Any] | None) -> dict[str, Any]:
    """Calls from before details were recorded have them in the lines of their receipt only."""
    lines = receipt["lines"] if receipt else []
    return {line["usage_class"]: line["tokens"] for line in lines}


_STORE = """
UPDATE telemetry_generation AS call SET cost_usd = news.cost, receipt = news.receipt
FROM unnest(%(ids)s::uuid[], %(old)s::numeric[], %(costs)s::numeric[], %(receipts)s::jsonb[])
  AS news (id, old, cost, receipt)
WHERE call.id = news.id AND call.cost_usd IS NOT DISTINCT FROM news.old
"""


def _store(changes: Sequence[tuple[Generation, Receipt]]) -> None:
    if not changes:
        return
    moment = timezone.now().isoformat()
    ids: list[UUID] = [call.pk for call, _ in changes]
    values: dict[str, Any] = {
        "ids": ids,
        "old": [call.cost_usd for call, _ in changes],
        "costs": [new.total for _, new in changes],
        "receipts": [json.dumps(new.as_json() | {"earlier": _earlier(call, moment)}) for call, new in changes],
    }
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_STORE, values)


def _earlier(call: Generation, moment: str) -> list[dict[str, Any]]:
    """All receipts that the call had, the first one first; of an unpriced one, that it was."""
    old = dict(call.receipt or {"total": None, "source": "", "price_date": None, "lines": []})
    return [*old.pop("earlier", []), {**old, "replaced_at": moment}]
