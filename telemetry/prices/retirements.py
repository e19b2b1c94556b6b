"""Which models are taken out of service, and when: as administrators say, and else as providers have published it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import reduce
from operator import or_
from typing import Any
from urllib.parse import urlencode

from django.db.models import Count, F, Q, Sum
from django.urls import reverse

from telemetry.models import Rollup
from telemetry.prices.models import ModelRetirement
from telemetry.prices.published import PUBLISHED
from telemetry.pricing import is_deprecated

# Who has called a model so lately still depends on it.
LATELY = timedelta(days=30)
# Days before from which on the dashboard counts them.
NOTICE = 120
SET_HERE, BY_PROVIDER, BY_PRICE_LIST = "administrator", "provider", "price list"
Model = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Retirement:
    """``retires_on`` None: the price list calls the model deprecated, and names no day."""

    provider: str
    model: str
    retires_on: date | None
    replacement: str
    source: str

    def days_left(self, today: date) -> int | None:
        return (self.retires_on - today).days if self.retires_on else None


@dataclass(frozen=True, slots=True)
class Callers:
    """Of a model, lately: its calls, and how many prompts, provider keys and users they came from."""

    calls: int
    prompts: int
    keys: int
    users: int

    @property
    def depending(self) -> str:
        """``2 prompts, 1 provider key, 3 users``; '' where nothing is known."""
        named = (("prompt", self.prompts), ("provider key", self.keys), ("user", self.users))
        return ", ".join(f"{count:,} {name}{'' if count == 1 else 's'}" for name, count in named if count)


@dataclass(frozen=True, slots=True)
class RetirementView:
    """``days``: until then, less than 0 where it is over, None where no day is known."""

    retirement: Retirement
    days: int | None
    callers: Callers
    href: str
    backtest: str

    @property
    def days_past(self) -> int:
        return -(self.days or 0)


def retirement_of(model: Model, entries: Mapping[Model, ModelRetirement]) -> Retirement | None:
    if entry := entries.get(model):
        return Retirement(*model, entry.retires_on, entry.replacement, SET_HERE)
    if model in PUBLISHED:
        return Retirement(*model, *PUBLISHED[model], BY_PROVIDER)
    return Retirement(*model, None, "", BY_PRICE_LIST) if is_deprecated(*model) else None


def entries_of_administrators() -> dict[Model, ModelRetirement]:
    return {(entry.provider, entry.model): entry for entry in ModelRetirement.objects.all()}


def retiring(*, users: Collection[int] | None, now: datetime, notice: int | None = NOTICE) -> list[RetirementView]:
    """Of the models that these users still call, those that retire; the soonest first.

    ``notice``: only those with so many days left, or None for all.
    """
    entries, since = entries_of_administrators(), now - LATELY
    found = {
        model: retirement
        for model in _called_models(users=users, since=since)
        if (retirement := retirement_of(model, entries)) and _is_near(retirement.days_left(now.date()), notice)
    }
    callers = callers_of_models(users=users, since=since, models=found) if found else {}
    views = [_view(found[model], found[model].days_left(now.date()), callers[model], now) for model in callers]
    return sorted(views, key=lambda view: (view.days is None, view.days or 0, view.retirement.model))


def _is_near(days: int | None, notice: int | None) -> bool:
    return notice is None or (days is not None and days <= notice)


def _called_models(*, users: Collection[int] | None, since: datetime) -> list[Model]:
    rows = Rollup.objects.filter(by_caller=users is not None, hours=24, start__gte=since)
    if users is not None:
        rows = rows.filter(user__in=users)
    return list(rows.order_by().values_list("provider", "request_model").distinct())


def _view(retirement: Retirement, days: int | None, callers: Callers, now: datetime) -> RetirementView:
    calls = {"provider": retirement.provider, "model": retirement.model, "range": "30d"}
    backtest = {"from_provider": retirement.provider, "from_model": retirement.model, "range": "30d"}
    if retirement.replacement:
        backtest |= {"provider": retirement.provider, "model": retirement.replacement}
    return RetirementView(
        retirement,
        days,
        callers,
        f"{reverse('telemetry:generation-list')}?{urlencode(calls)}",
        f"{reverse('backtests:backtest-add')}?{urlencode(backtest)}",
    )


def callers_of_models(
    *, users: Collection[int] | None, since: datetime, models: Collection[Model] | None = None
) -> dict[Model, Callers]:
    """From the days that are rolled up: it may miss the calls of the last hour. ``models`` None: of all."""
    rows = Rollup.objects.filter(by_caller=True, hours=24, start__gte=since)
    if models is not None:
        rows = rows.filter(reduce(or_, (Q(provider=provider, request_model=model) for provider, model in models)))
    if users is not None:
        rows = rows.filter(user__in=users)
    counted: Iterable[Any] = (
        rows.order_by()
        .values_list("provider", "request_model")
        .annotate(
            total=Sum("calls"),
            prompts=Count("prompt_id", distinct=True),
            keys=Count("token_id", distinct=True),
            callers=Count(F("user"), distinct=True),
        )
    )
    return {(provider, model): Callers(*numbers) for provider, model, *numbers in counted}
