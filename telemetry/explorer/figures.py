"""Figures of the calls that the filters leave, over time: from the rollups, or from the newest calls themselves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.db import OperationalError, connection, transaction

from telemetry.endpoints import OWN_ENDPOINT
from telemetry.explorer.scan import edge_of, from_edge_on
from telemetry.models import Generation, GenerationQuerySet
from telemetry.rollups.coverage import DAY, HOUR, Span
from telemetry.rollups.reading import TOKENS, Figures, Prefix, Reader

if TYPE_CHECKING:
    from accounts.models import User
    from telemetry.explorer.filters import CallFilter

# By the fields of the filter what rollups know. Whatever else is asked for, the calls are read for.
_DIMENSIONS = {
    "provider": "provider",
    "endpoint": "base_url",
    "model": "request_model",
    "status": "status",
    "error": "error_type",
    "version": "prompt_version",
    "key": "token_id",
}
_KNOWN = {*_DIMENSIONS, "user", "whose", "range", "start", "end", "sort", "col"}
# How many of the newest calls are read, and for how long at most.
READ, MOST_MILLISECONDS = 50_000, 2_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MINUTE = timedelta(minutes=1)
# The length of a column, by the longest range that it is for.
_COLUMNS = (
    (15 * _MINUTE, _MINUTE / 2),
    (HOUR, 2 * _MINUTE),
    (6 * HOUR, 15 * _MINUTE),
    (2 * DAY, HOUR),
    (8 * DAY, 4 * HOUR),
    (100 * DAY, DAY),
    (700 * DAY, 7 * DAY),
)
_LONGEST_COLUMN = 30 * DAY


@dataclass(frozen=True, slots=True)
class OverTime:
    """``of``: how many of the newest calls were read for it, None for all. ``columns``: one for each stretch.
    ``late``: how many hours are as they were last counted.

    Only ``total`` has durations.
    """

    span: Span
    every: timedelta
    columns: Mapping[datetime, Figures]
    total: Figures
    of: int | None = None
    late: int = 0

    def spans(self) -> list[Span]:
        """Of the columns, cut to what is asked for."""
        first = _floor(self.span.start, self.every)
        count = -((first - self.span.end) // self.every)
        starts = [first + number * self.every for number in range(count)]
        return [Span(max(start, self.span.start), min(start + self.every, self.span.end)) for start in starts]

    def of_span(self, span: Span) -> Figures:
        return self.columns.get(_floor(span.start, self.every), Figures())


def figures_of(form: CallFilter, *, user: User, now: datetime) -> OverTime | None:
    """None where a filter is wrong, or there are no calls in its time."""
    if not form.is_valid():
        return None
    span = _span(form, now, Generation.objects.visible_to(user))
    if span is None:
        return None
    given = {name for name, value in form.cleaned_data.items() if value not in (None, "", [])}
    if given <= _KNOWN:
        return _rolled_up(form, user, now, span)
    return _read(form, user, span)


def _every(span: Span) -> timedelta:
    return next((every for longest, every in _COLUMNS if span.end - span.start <= longest), _LONGEST_COLUMN)


def _span(form: CallFilter, now: datetime, visible: GenerationQuerySet) -> Span | None:
    """From the first call on, where the filter sets no start."""
    start, end = form.bounds(now)
    start = start or visible.order_by("started_at").values_list("started_at", flat=True).first()
    end = end or now
    return Span(start, end) if start and start < end else None


def _rolled_up(form: CallFilter, user: User, now: datetime, span: Span) -> OverTime:
    given = {column: form.cleaned_data.get(name) for name, column in _DIMENSIONS.items()}
    alike = {column: value for column, value in given.items() if value not in (None, "")}
    if alike.get("base_url") == OWN_ENDPOINT:
        alike["base_url"] = ""
    if (model := form.cleaned_data["model"]).endswith("*"):
        alike["request_model"] = Prefix(model[:-1])
    every = _every(span)
    reader = Reader(span, now=now, users=_users(form, user), alike=alike, origin=_floor(span.start, every))
    columns = reader.by((), every=every, with_durations=False)
    return OverTime(
        span, every, {key[0]: figures for key, figures in columns.items()}, reader.total(), late=reader.late
    )


def _users(form: CallFilter, user: User) -> list[int] | None:
    users = form.users()
    if users is not None:
        return list(users.values_list("pk", flat=True))
    return None if user.is_administrator else [user.pk]


_READ = """
SELECT date_bin(%s, started_at, %s), status,
  CASE WHEN status = 'succeeded' THEN telemetry_bin(ended_at - started_at) END,
  coalesce(sum(cost_usd), 0), count(*) FILTER (WHERE cost_usd IS NULL AND input_tokens IS NOT NULL), count(*),
"""


def _read(form: CallFilter, user: User, span: Span) -> OverTime | None:
    """Of the time that the calls are of which are read. None where it takes too long."""
    visible = Generation.objects.visible_to(user).between(span.start, span.end)
    edge = edge_of(form.indexed(visible), READ)
    wanted = form.apply(visible).filter(from_edge_on(edge)) if edge else form.apply(visible)
    span = Span(edge[0], span.end) if edge else span
    every = _every(span)
    try:
        rows = _grouped(wanted, every, _floor(span.start, every))
    except OperationalError:
        return None
    columns: dict[datetime, Figures] = {}
    total = Figures()
    for start, status, number, *sums in rows:
        for figures in (columns.setdefault(start, Figures()), total):
            figures.add(status, *sums)
        if number is not None:
            total.seconds[number] += int(sums[2])
    return OverTime(span, every, columns, total, READ if edge else None)


def _grouped(wanted: GenerationQuerySet, every: timedelta, origin: datetime) -> list[Any]:
    """Raises OperationalError where it takes too long."""
    names = ("started_at", "ended_at", "status", "cost_usd", *TOKENS)
    calls, parameters = wanted.order_by().values_list(*names).query.sql_with_params()
    sums = ", ".join(f"coalesce(sum({name}), 0)" for name in TOKENS)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL statement_timeout = {MOST_MILLISECONDS}")
        values: Any = [every, origin, *parameters]
        cursor.execute(f"{_READ} {sums} FROM ({calls}) AS call GROUP BY 1, 2, 3", values)
        rows: list[Any] = cursor.fetchall()
        cursor.execute("SET LOCAL statement_timeout TO DEFAULT")
    return rows


def _floor(moment: datetime, every: timedelta) -> datetime:
    return _EPOCH + (moment - _EPOCH) // every * every
