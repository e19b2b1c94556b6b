"""The figures of the page of costs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cached_property
from urllib.parse import urlencode

from django.urls import reverse
from django.utils import timezone

from accounts.models import Membership, Team
from accounts.providers import label_of
from telemetry.costs.budgets import BudgetView, budget_view
from telemetry.costs.forms import ScopeForm
from telemetry.costs.month import DAY, Month
from telemetry.costs.naming import GROUPINGS, Grouping
from telemetry.costs.projection import Projection
from telemetry.costs.spending import Spending, spending_of
from telemetry.dashboard import numbers
from telemetry.dashboard.board import Chart, KeyEntry
from telemetry.dashboard.charts import Column, Series, cell_bar, stacked_columns
from telemetry.dashboard.numbers import Delta, delta
from telemetry.dashboard.patterns import OTHER, patterns_of
from telemetry.naming import Named
from telemetry.rollups.coverage import Span, day_of
from telemetry.rollups.reading import Figures, Key, Reader

ROWS, RANKED, IN_CHART, UNPRICED = 100, 6, 6, 10


@dataclass(frozen=True, slots=True)
class Row:
    named: Named
    href: str
    calls: int
    tokens: str
    per_call: str
    change: Delta
    share: str
    cost: str
    bar: str
    pattern: str = ""


@dataclass(frozen=True, slots=True)
class Ranking:
    """The dearest of a grouping, and what is left over. ``query`` is that of the page with all of it."""

    label: str
    rows: Sequence[Row]
    others: str
    query: str


@dataclass(frozen=True, slots=True)
class Unpriced:
    """Calls of a model without a price. ``set_price`` leads to where one is set."""

    model: str
    provider: str
    endpoint: str
    calls: int
    tokens: str
    href: str
    set_price: str


class Costs:
    """Of one month and some users, read from the rollups. What is asked twice is read once."""

    def __init__(self, form: ScopeForm, month: Month) -> None:
        self.month, self.form = month, form
        self._users = form.users()
        self._known: dict[tuple[Span, tuple[str, ...], timedelta | None], Mapping[Key, Figures]] = {}
        self.total = self._sum(self._by_day_and_model.values())
        self.before = self._sum(self._read(month.before.span, ()).values())

    def _read(self, span: Span, dimensions: Sequence[str], every: timedelta | None = None) -> Mapping[Key, Figures]:
        if span.start >= span.end:
            return {}
        asked = (span, tuple(dimensions), every)
        if asked not in self._known:
            self._known[asked] = self._reader(span).by(dimensions, every=every, with_durations=False)
        return self._known[asked]

    def _reader(self, span: Span) -> Reader:
        return self._any_reader.over(span)

    @property
    def late(self) -> int:
        """How many hours are as they were last counted."""
        return self._any_reader.late

    @cached_property
    def _any_reader(self) -> Reader:
        return Reader(self.month.span, now=self.month.now, users=self._users)

    @staticmethod
    def _sum(figures: Iterable[Figures]) -> Figures:
        total = Figures()
        for one in figures:
            total += one
        return total

    @cached_property
    def _by_day_and_model(self) -> Mapping[Key, Figures]:
        return self._read(self.month.span, ("provider", "request_model"), DAY)

    def calls(self, span: Span | None = None, /, **filters: object) -> str:
        """The address of the list of these calls; '' where the list has no filter for them."""
        if self.form.one_team and "user" not in filters:
            return ""
        span = span or self.month.span
        bounds = {"start": _local(span.start), "end": _local(span.end)}
        scope = {"whose": self.form.scope} if self.form.user.is_administrator and not self.form.one_team else {}
        return f"{reverse('telemetry:generation-list')}?{urlencode({**bounds, **scope, **filters})}"

    # What it is going to be

    @cached_property
    def spending(self) -> Spending | None:
        """None where the month is over."""
        if not self.month.is_current:
            return None
        return spending_of(self._reader(self.month.span), self.month)

    @property
    def projection(self) -> Projection | None:
        return self.spending.projection if self.spending else None

    def change(self) -> Mapping[str, Delta]:
        """Against the same days of the month before: the cost, how many calls, and what each has cost."""
        now, before = self.total, self.before
        per_call = [one.cost_usd / one.calls if one.calls else None for one in (now, before)]
        return {
            "cost": delta(now.cost_usd, before.cost_usd),
            "calls": delta(now.calls, before.calls),
            "per_call": delta(*per_call),
        }

    # Tables

    def rows(self, key: str, most: int = ROWS, *, with_changes: bool = True) -> list[Row]:
        grouping = GROUPINGS[key]
        now = self._grouped(key, grouping, self.month.span)
        before = self._grouped(key, grouping, self.month.before.span) if with_changes else {}
        ranked = sorted(now, key=lambda one: (-now[one].cost_usd, -now[one].calls))[:most]
        names = self._team_names(ranked) if key == "team" else grouping.names(ranked)
        dearest = max((now[one].cost_usd for one in ranked), default=Decimal())
        patterns = patterns_of(ranked) if key == "model" else {}
        return [
            self._row(names[one], now[one], before.get(one, Figures()), dearest, patterns.get(one, ""))
            for one in ranked
        ]

    def _grouped(self, key: str, grouping: Grouping, span: Span) -> dict[Key, Figures]:
        if key == "model" and span == self.month.span:
            grouped: dict[Key, Figures] = {}
            for (_, *model), figures in self._by_day_and_model.items():
                grouped.setdefault(tuple(model), Figures()).__iadd__(figures)
            return grouped
        found = dict(self._read(span, grouping.dimensions))
        return self._by_team(found) if key == "team" else found

    def _by_team(self, by_user: Mapping[Key, Figures]) -> dict[Key, Figures]:
        """Those who are in two teams count in both."""
        teams: dict[Key, Figures] = {}
        for user_id, team_id in Membership.objects.values_list("user", "team"):
            if figures := by_user.get((user_id,)):
                teams.setdefault((team_id,), Figures()).__iadd__(figures)
        return teams

    def _team_names(self, keys: Sequence[Key]) -> Mapping[Key, Named]:
        teams = Team.objects.in_bulk([key for (key,) in keys])
        return {(key,): Named(teams[key].name, "", {"team": key}) for (key,) in keys}

    def _row(self, named: Named, now: Figures, before: Figures, dearest: Decimal, pattern: str) -> Row:
        share = now.cost_usd / self.total.cost_usd if self.total.cost_usd else None
        return Row(
            named=named,
            href=self._list_of(named),
            calls=now.calls,
            tokens=numbers.compact(now.all_tokens),
            per_call=numbers.cost_of_call(now.cost_usd / now.calls) if now.cost_usd else "–",
            change=delta(now.cost_usd, before.cost_usd),
            share=f"{share * 100:.1f}%" if share is not None else "–",
            cost=numbers.cost(now.cost_usd, unpriced=now.unpriced),
            bar=cell_bar(float(now.cost_usd / dearest) if dearest else 0),
            pattern=pattern,
        )

    def _list_of(self, named: Named) -> str:
        """Of its calls, or of a team its costs; '' where the list of calls has no filter for them."""
        if "team" in named.filters:
            query = {"month": self.month.key, "team": named.filters["team"]}
            return f"{reverse('telemetry:costs')}?{urlencode(query)}"
        return self.calls(**named.filters) if named.filters else ""

    def ranking(self, key: str, query: str) -> Ranking:
        grouped = self._grouped(key, GROUPINGS[key], self.month.span)
        rows = self.rows(key, RANKED, with_changes=False)
        costs = sorted((one.cost_usd for one in grouped.values()), reverse=True)
        others = numbers.dollars(sum(costs[RANKED:], Decimal())) if len(costs) > RANKED else ""
        return Ranking(GROUPINGS[key].label, rows, others, query)

    def unpriced(self) -> list[Unpriced]:
        found = self._read(self.month.span, ("provider", "request_model", "base_url")) if self.total.unpriced else {}
        without = sorted((item for item in found.items() if item[1].unpriced), key=lambda item: -item[1].unpriced)
        return [self._unpriced(key, one) for key, one in without[:UNPRICED]]

    def _unpriced(self, key: Key, figures: Figures) -> Unpriced:
        provider, model, base_url = key
        named = {"provider": provider, "model": model}
        return Unpriced(
            model=model,
            provider=label_of(provider),
            endpoint=base_url,
            calls=figures.unpriced,
            tokens=numbers.compact(figures.all_tokens),
            href=self.calls(**named, price="unpriced"),
            set_price=f"{reverse('telemetry:price-add')}?{urlencode(named)}",
        )

    def budget(self) -> BudgetView | None:
        """Of the team that is shown, or of everyone together."""
        team = self.form.one_team
        if team is None and self.form.scope != "everyone":
            return None
        return budget_view(team=team, month=self.month, spent=self.total.cost_usd, projection=self.projection)

    # The chart

    def chart(self) -> Chart:
        days = self.month.days
        costs = self._costs_by_model()
        totals = {model: sum(by_day.values(), Decimal()) for model, by_day in costs.items()}
        ranked = sorted((model for model in totals if totals[model]), key=lambda model: -totals[model])
        shown, rest = ranked[:IN_CHART], ranked[IN_CHART:]
        patterns = patterns_of(shown)
        passed = [day < self.month.span.end for day in days]
        series = [Series(model[1], patterns[model], self._values([costs[model]], passed)) for model in shown]
        key = [
            KeyEntry(
                model[1], patterns[model], numbers.dollars(totals[model]), self.calls(provider=model[0], model=model[1])
            )
            for model in shown
        ]
        if rest:
            series.append(Series("Other", OTHER, self._values([costs[model] for model in rest], passed)))
            left = sum((totals[model] for model in rest), Decimal())
            key.append(KeyEntry("Other", OTHER, numbers.dollars(left), self.calls()))
        return self._drawn(series, key)

    def _costs_by_model(self) -> dict[tuple[str, str], dict[datetime, Decimal]]:
        costs: dict[tuple[str, str], dict[datetime, Decimal]] = {}
        for (day, provider, model), figures in self._by_day_and_model.items():
            costs.setdefault((provider, model), {})[day] = figures.cost_usd
        return costs

    def _values(self, costs: Sequence[Mapping[datetime, Decimal]], passed: Sequence[bool]) -> list[float | None]:
        return [
            float(sum((one.get(day, Decimal()) for one in costs), Decimal())) if has_passed else None
            for day, has_passed in zip(self.month.days, passed, strict=True)
        ]

    def _drawn(self, series: Sequence[Series], key: Sequence[KeyEntry]) -> Chart:
        days, today = self.month.days, day_of(self.month.now)
        place = days.index(today) if today in days else len(days)
        to_come = self.spending.days if self.spending else {}
        projected = {days.index(day): float(usd) for day, usd in to_come.items() if day in days}
        cells = [[_shown(one.values[number]) for one in series] for number in range(len(days))]
        names = [one.name for one in series]
        columns = [
            Column(_reading(day, names, cells[number], projected.get(number)), self._day(day), _tick(day))
            for number, day in enumerate(days)
        ]
        svg = stacked_columns("Cost by day", series, columns, numbers.axis_dollars, partial=place, projected=projected)
        rows = [(self._day(day), f"{day:%d %b}", cells[number]) for number, day in enumerate(days)]
        hint = "per day (UTC)" + (", dashed: projected, pale: today so far" if projected else "")
        return Chart("Cost by day", hint, svg, key, names, rows)

    def _day(self, day: datetime) -> str:
        return self.calls(Span(day, min(day + DAY, max(self.month.now, day))))


def _shown(usd: float | None) -> str:
    return "–" if usd is None else numbers.dollars(Decimal(usd))


def _reading(day: datetime, names: Sequence[str], cells: Sequence[str], projected: float | None) -> str:
    told = [f"{name} {cell}" for name, cell in zip(names, cells, strict=True) if cell not in ("–", "$0.00")]
    if projected:
        told.append(f"projected {numbers.whole_dollars(Decimal(projected))}")
    return f"{day:%a %d %b}: {', '.join(told) or 'no cost'}"


def _tick(day: datetime) -> str:
    return f"{day:%d %b}".lstrip("0") if day.day == 1 or day.day % 5 == 0 and day.day < 30 else ""


def _local(moment: datetime) -> str:
    return timezone.localtime(moment).replace(tzinfo=None).isoformat(timespec="microseconds")
