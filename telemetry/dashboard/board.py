"""What the dashboard shows, read from the rollups."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from django.urls import reverse
from django.utils import timezone

from telemetry.costs.budgets import BudgetView, budget_view, range_of
from telemetry.costs.month import month_of
from telemetry.costs.spending import spending_of
from telemetry.dashboard import numbers
from telemetry.dashboard.charts import Column, Series, percentile_band, sparkline, stacked_columns
from telemetry.dashboard.health import Health, health_of_providers
from telemetry.dashboard.numbers import Delta, delta
from telemetry.dashboard.patterns import OTHER, patterns_of
from telemetry.dashboard.window import DAY, Window, WindowForm
from telemetry.models import Generation, Status
from telemetry.prices.retirements import RetirementView, retiring
from telemetry.rollups.coverage import Span
from telemetry.rollups.histogram import fewest, percentile
from telemetry.rollups.reading import Figures, Reader

if TYPE_CHECKING:
    from django.db.models import QuerySet

STATUSES = {
    Status.SUCCEEDED: "s-ok",
    Status.RUNNING: "s-cell",
    Status.STOPPED: "s-stop",
    Status.INTERRUPTED: "s-cut",
    Status.FAILED: "s-bad",
}
MODELS_IN_CHART = 6
LAST_FAILURES = 6
MOST_TICKS = 8


@dataclass(frozen=True, slots=True)
class KeyEntry:
    """What a fill of a chart stands for, with its total."""

    name: str
    pattern: str
    total: str
    href: str


@dataclass(frozen=True, slots=True)
class Chart:
    """``rows``: the same numbers as a table, under ``heads``; the first of each is a link to its calls."""

    title: str
    hint: str
    svg: str
    key: Sequence[KeyEntry]
    heads: Sequence[str]
    rows: Sequence[tuple[str, str, Sequence[str]]]


@dataclass(frozen=True, slots=True)
class Card:
    """``figures``: each with its unit, or what it is. ``notes``: what has changed, of what."""

    name: str
    href: str
    figures: Sequence[tuple[str, str]]
    notes: Sequence[tuple[str, Delta]]
    aside: str
    spark: str
    is_bad: bool = False

    @property
    def has_earlier(self) -> bool:
        """Whether there is anything to compare with."""
        return any(change.percent is not None for _, change in self.notes)


@dataclass(frozen=True, slots=True)
class MonthView:
    """Of the month until now, in UTC and in USD. ``projected``: a range, '' where too little is known for one."""

    name: str
    spent: str
    projected: str
    last_day: str
    href: str
    budget: BudgetView | None


class Links:
    """To the calls behind a figure."""

    def __init__(self, form: WindowForm, window: Window) -> None:
        self._scope = {"whose": form.scope} if form.user.is_administrator else {}
        self._window = window

    def calls(self, span: Span | None = None, /, **filters: object) -> str:
        span = span or self._window.span
        bounds = {"start": _local(span.start), "end": _local(span.end)}
        return f"{reverse('telemetry:generation-list')}?{urlencode({**bounds, **self._scope, **filters})}"


def _local(moment: datetime) -> str:
    return timezone.localtime(moment).replace(tzinfo=None).isoformat(timespec="microseconds")


class Board:
    def __init__(self, form: WindowForm, now: datetime) -> None:
        self.window = window = form.window(now)
        self.links = Links(form, window)
        self._users = form.users()
        self._now = now
        self.reader = Reader(window.span, now=now, users=self._users)
        by_start = self.reader.by((), every=window.every)
        self._columns = [by_start.get((start,), Figures()) for start in window.starts()]
        self.total = Figures()
        for figures in self._columns:
            self.total += figures
        self.before = self.reader.over(window.previous).total()
        self._by_model = self.reader.costs(("provider", "request_model"), every=window.every)
        self._axis = self._axis_of(window)

    def _axis_of(self, window: Window) -> list[tuple[str, str, str]]:
        """Of each column the link to its calls, what its time is called, and its label, if it has one."""
        starts = window.starts()
        step = _label_step(window)
        spans = [Span(start, min(start + window.every, window.span.end)) for start in starts]
        tick = "%H:%M" if window.span.end - window.span.start <= 2 * DAY else "%a %d" if window.every < DAY else "%d %b"
        name = "%d %b" if window.every == DAY else "%a %d %b %H:%M"
        return [
            (
                self.links.calls(span),
                f"{timezone.localtime(span.start):{name}}",
                f"{timezone.localtime(span.start):{tick}}" if not place % step else "",
            )
            for place, span in enumerate(spans)
        ]

    def cards(self) -> list[Card]:
        total, before, columns = self.total, self.before, self._columns
        ok = {"status": Status.SUCCEEDED.value}
        failed = delta(total.failed_share, before.failed_share, less_is_better=True)
        return [
            Card(
                "Calls",
                self.links.calls(),
                [(f"{total.calls:,}", "")],
                [("", delta(total.calls, before.calls))],
                f"from {before.calls:,}" if before.calls else "",
                sparkline([one.calls or None for one in columns]),
            ),
            Card(
                "Failed",
                self.links.calls(status=Status.FAILED.value),
                [(f"{total.failed:,}", ""), (_percent(total.failed_share), "of calls")],
                [("share", failed)],
                f"from {_percent(before.failed_share)}" if before.calls else "",
                sparkline([one.failed if one.calls else None for one in columns]),
                is_bad=failed.is_worse,
            ),
            self._duration_card("Duration", self.links.calls(**ok), lambda one: one.seconds),
            self._duration_card("Time to first token", self.links.calls(**ok), lambda one: one.first_token),
            Card(
                "Cost",
                self.links.calls(),
                [
                    (numbers.cost(total.cost_usd, unpriced=total.unpriced), ""),
                    (numbers.compact(total.all_tokens), "tokens"),
                ],
                [("", delta(total.cost_usd, before.cost_usd))],
                self._cost_aside(),
                sparkline([float(one.cost_usd) if one.calls else None for one in columns]),
            ),
        ]

    def _cost_aside(self) -> str:
        if self.total.unpriced:
            return f"excludes {self.total.unpriced:,} unpriced"
        return f"from {numbers.dollars(self.before.cost_usd)}" if self.before.calls else ""

    def _duration_card(self, name: str, href: str, histogram: Callable[[Figures], Mapping[int, int]]) -> Card:
        now, before = histogram(self.total), histogram(self.before)
        shares = (("p50", 0.5), ("p95", 0.95))
        samples = sum(now.values())
        return Card(
            name,
            href,
            [(numbers.seconds(percentile(now, fraction)), f"s {share}") for share, fraction in shares],
            [
                (share, delta(percentile(now, fraction), percentile(before, fraction), less_is_better=True))
                for share, fraction in shares
            ],
            f"of {samples:,} only" if 0 < samples < fewest(0.95) else "",
            sparkline([percentile(histogram(one), 0.5) for one in self._columns]),
        )

    def charts(self) -> list[Chart]:
        return [
            self._calls_by_status(),
            self._cost_by_model(),
            self._percentiles("Duration", lambda one: one.seconds, "-duration"),
            self._percentiles("Time to first token", lambda one: one.first_token, "-first_token"),
        ]

    def _calls_by_status(self) -> Chart:
        used = [status for status in STATUSES if self.total.by_status[status]]
        series = [
            Series(
                str(status.label),
                STATUSES[status],
                [one.by_status[status] if one.calls else None for one in self._columns],
            )
            for status in used
        ]
        key = [
            KeyEntry(
                str(status.label),
                STATUSES[status],
                f"{self.total.by_status[status]:,}",
                self.links.calls(status=status.value),
            )
            for status in used
        ]
        return self._stacked("Calls by status", series, key, numbers.axis_count, lambda value: f"{value:,.0f}")

    def _cost_by_model(self) -> Chart:
        totals: dict[tuple[str, str], Decimal] = {}
        for (_, *model), cost in self._by_model.items():
            key = (str(model[0]), str(model[1]))
            totals[key] = totals.get(key, Decimal()) + cost
        ranked = sorted((model for model in totals if totals[model]), key=lambda model: -totals[model])
        shown, rest = ranked[:MODELS_IN_CHART], ranked[MODELS_IN_CHART:]
        patterns = patterns_of(shown)
        series = [Series(model[1], patterns[model], self._costs_of([model])) for model in shown]
        entries = [
            KeyEntry(
                model[1],
                patterns[model],
                numbers.dollars(totals[model]),
                self.links.calls(provider=model[0], model=model[1]),
            )
            for model in shown
        ]
        if rest:
            series.append(Series("Other", OTHER, self._costs_of(rest)))
            total = sum((totals[model] for model in rest), Decimal())
            entries.append(KeyEntry("Other", OTHER, numbers.dollars(total), self.links.calls()))
        return self._stacked(
            "Cost by model", series, entries, numbers.axis_dollars, lambda value: numbers.dollars(Decimal(value))
        )

    def _costs_of(self, models: Sequence[tuple[str, str]]) -> list[float | None]:
        known, nothing = self._by_model, Decimal()
        return [
            float(sum((known.get((start, *model), nothing) for model in models), nothing)) if column.calls else None
            for start, column in zip(self.window.starts(), self._columns, strict=True)
        ]

    def _stacked(
        self,
        title: str,
        series: Sequence[Series],
        key: Sequence[KeyEntry],
        axis: Callable[[float], str],
        show: Callable[[float], str],
    ) -> Chart:
        cells = [
            [show(value) if value is not None else "–" for value in values]
            for values in zip(*(one.values for one in series), strict=True)
        ] or [[] for _ in self._columns]
        names = [one.name for one in series]
        return Chart(
            title,
            f"per {_length(self.window.every)}",
            stacked_columns(title, series, self._readings(names, cells), axis),
            key,
            names,
            self._rows(cells),
        )

    def _percentiles(self, title: str, histogram: Callable[[Figures], Mapping[int, int]], sort: str) -> Chart:
        counted = [histogram(one) for one in self._columns]
        low, high = ([percentile(one, fraction) for one in counted] for fraction in (0.5, 0.95))
        cells = [[*(value for _, value in numbers.percentiles(one)), f"{sum(one.values()):,}"] for one in counted]
        heads = [*numbers.PERCENTILES, "n"]
        total = histogram(self.total)
        href = self.links.calls(status=Status.SUCCEEDED.value, sort=sort)
        key = [KeyEntry(name, "", value, href) for name, value in numbers.percentiles(total)]
        svg = percentile_band(title, low, high, self._readings(heads, cells), numbers.axis_seconds)
        return Chart(title, numbers.samples(sum(total.values())), svg, key, heads, self._rows(cells))

    def _readings(self, names: Sequence[str], cells: Sequence[Sequence[str]]) -> list[Column]:
        return [
            Column(
                f"{name}: {', '.join(f'{head} {cell}' for head, cell in zip(names, row, strict=True)) or 'no data'}",
                href,
                tick,
            )
            for (href, name, tick), row in zip(self._axis, cells, strict=True)
        ]

    def _rows(self, cells: Sequence[Sequence[str]]) -> list[tuple[str, str, Sequence[str]]]:
        return [(href, name, row) for (href, name, _), row in zip(self._axis, cells, strict=True)]

    def last_failures(self) -> QuerySet[Generation]:
        calls = Generation.objects.between(self.window.span.start, self.window.span.end)
        failed = calls.filter(status=Status.FAILED).select_related("user")
        if self._users is not None:
            failed = failed.filter(user__in=self._users)
        return failed.only(
            "started_at",
            "error_type",
            "error_status",
            "provider",
            "request_model",
            "prompt_name",
            "prompt_version",
            "user",
        )[:LAST_FAILURES]

    def month(self) -> MonthView:
        month = month_of("", self._now)
        spending = spending_of(self.reader, month)
        is_of_all = self._users is None
        return MonthView(
            f"{month.start:%B}",
            numbers.dollars(spending.spent),
            range_of(spending.projection),
            f"{month.end - DAY:%d %b}".lstrip("0"),
            self.links.calls(month.span),
            budget_view(team=None, month=month, spent=spending.spent, projection=spending.projection)
            if is_of_all
            else None,
        )

    def health(self) -> list[Health]:
        return health_of_providers(self.links, self.reader, users=self._users, now=self._now)

    def retiring(self) -> list[RetirementView]:
        return retiring(users=self._users, now=self._now)


def _label_step(window: Window) -> int:
    """At most ``MOST_TICKS`` labels, by whole days where a column is shorter and the range longer than one."""
    length = window.span.end - window.span.start
    unit = max(1, DAY // window.every) if length > 2 * DAY else 1
    count = len(window.starts())
    return unit * -(-count // (unit * MOST_TICKS))


def _length(every: timedelta) -> str:
    seconds = int(every.total_seconds())
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit}" if seconds > size else {"d": "day", "h": "hour", "min": "minute"}[unit]
    return f"{seconds} s"


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{share * 100:.1f}%"
