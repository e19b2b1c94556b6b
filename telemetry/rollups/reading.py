"""Figures of any range of time: from the rollups, and from the calls of what is not rolled up yet."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection
from pgvector import SparseVector

from telemetry.call_ids import first_id, first_id_after
from telemetry.rollups.coverage import DAY, Span, cover, hour_of
from telemetry.rollups.histogram import percentile
from telemetry.rollups.keeping import stale_hours
from telemetry.rollups.source import CALLER, COLUMNS, HISTOGRAMS, SUMS, counted
from telemetry.time_ranges import ordered_after

# Of so many hours that are not counted anew yet, the newest, the calls themselves are read.
MOST_STALE = 72
TOKENS = tuple(name for name in SUMS if name.endswith("_tokens"))
Key = tuple[Any, ...]
_DURATIONS = tuple(f"(sum({name}::vector) FILTER (WHERE status = 'succeeded'))::sparsevec::text" for name in HISTOGRAMS)


@dataclass(slots=True)
class Figures:
    """Of a set of calls. Of histograms, each key is a bin and each value how many calls that succeeded are in it."""

    by_status: Counter[str] = field(default_factory=Counter)
    tokens: Counter[str] = field(default_factory=Counter)
    cost_usd: Decimal = Decimal()
    unpriced: int = 0
    seconds: Counter[int] = field(default_factory=Counter)
    first_token: Counter[int] = field(default_factory=Counter)

    def add(self, status: str, cost_usd: Decimal, unpriced: Decimal, calls: Decimal, *tokens: Decimal) -> None:
        """``tokens`` in the order of ``TOKENS``."""
        self.cost_usd += cost_usd
        self.unpriced += int(unpriced)
        self.by_status[status] += int(calls)
        for name, count in zip(TOKENS, tokens, strict=True):
            self.tokens[name] += int(count)

    def add_durations(self, seconds: str | None, first_token: str | None) -> None:
        """Of calls that succeeded, as the database writes sparse vectors."""
        for counts, written in ((self.seconds, seconds), (self.first_token, first_token)):
            if written is not None:
                vector = SparseVector.from_text(written)
                for number, calls in zip(vector.indices(), vector.values(), strict=True):
                    counts[number] += int(calls)

    def __iadd__(self, other: Figures) -> Figures:
        for name in ("by_status", "tokens", "seconds", "first_token"):
            getattr(self, name).update(getattr(other, name))
        self.cost_usd += other.cost_usd
        self.unpriced += other.unpriced
        return self

    @property
    def calls(self) -> int:
        return self.by_status.total()

    @property
    def failed(self) -> int:
        return self.by_status["failed"]

    @property
    def failed_share(self) -> float | None:
        """From 0 to 1."""
        return self.failed / self.calls if self.calls else None

    @property
    def all_tokens(self) -> int:
        return self.tokens.total()

    def seconds_percentile(self, fraction: float) -> float | None:
        return percentile(self.seconds, fraction)

    def first_token_percentile(self, fraction: float) -> float | None:
        return percentile(self.first_token, fraction)


@dataclass(frozen=True, slots=True)
class Prefix:
    """In place of the value of a dimension: all values that begin so."""

    text: str


class Reader:
    """The calls of ``span``, of the users alone where they are given, and alike in the dimensions of ``alike``.

    ``now`` decides which hour is not over yet. What is asked of one reader is read from the same parts. Stretches of
    time are counted from ``origin`` on, or from the start of the span. ``late``: how many hours are as they were last
    counted, where so many have changed that pages would wait for their calls to be read.
    """

    def __init__(
        self,
        span: Span,
        *,
        now: datetime,
        users: Collection[int] | None = None,
        alike: Mapping[str, object] | None = None,
        origin: datetime | None = None,
    ) -> None:
        self._span = span
        self._origin = origin or span.start
        self._users = users
        self._alike = dict(alike or {})
        stale = sorted(stale_hours(before=hour_of(now)))
        self._stale = frozenset(stale[-MOST_STALE:])
        self.late = len(stale) - len(self._stale)
        self._now = now

    def over(self, span: Span) -> Reader:
        """The same of another time, whose stretches are counted from its start on."""
        other = copy(self)
        other._span, other._origin = span, span.start
        return other

    def total(self) -> Figures:
        return self.by(()).get((), Figures())

    def by(
        self, names: Sequence[str], *, every: timedelta | None = None, with_durations: bool = True
    ) -> dict[Key, Figures]:
        """By the values of these dimensions; ``every`` puts before them the start of a stretch of that length."""
        rows, values = self._rows(names, every)
        starts = ["date_bin(%(every)s, start, %(origin)s)"] if every else []
        keys = [*starts, *names]
        groups = ", ".join(str(place + 1) for place in range(len(keys) + 1))
        durations = ", ".join(_DURATIONS if with_durations else ("NULL" for _ in _DURATIONS))
        sums = ", ".join(f"sum({name})" for name in ("cost_usd", "unpriced", "calls", *TOKENS))
        figures: dict[Key, Figures] = {}
        for row in self._execute(
            f"SELECT {', '.join([*keys, 'status'])}, {durations}, {sums}"  # noqa: S608 (our own columns)
            f" FROM ({rows}) AS figures GROUP BY {groups}",
            values,
        ):
            status, seconds, first_token, *summed = row[len(keys) :]
            found = figures.setdefault(row[: len(keys)], Figures())
            found.add(status, *summed)
            found.add_durations(seconds, first_token)
        return figures

    def costs(self, names: Sequence[str], *, every: timedelta) -> dict[Key, Decimal]:
        """In USD, by stretches of time and these dimensions: quicker than ``by``, for whom that is enough."""
        rows, values = self._rows(names, every)
        keys = ", ".join(["date_bin(%(every)s, start, %(origin)s)", *names])
        groups = ", ".join(str(place + 1) for place in range(len(names) + 1))
        found = self._execute(
            f"SELECT {keys}, sum(cost_usd) FROM ({rows}) AS figures GROUP BY {groups}",  # noqa: S608 (our own columns)
            values,
        )
        return {tuple(key): cost for *key, cost in found}

    def _execute(self, statement: str, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        with connection.cursor() as cursor:
            cursor.execute(statement, values)
            found: list[tuple[Any, ...]] = cursor.fetchall()
        return found

    def _rows(self, names: Sequence[str], every: timedelta | None) -> tuple[str, dict[str, Any]]:
        """Rows with ``start`` and the columns of rollups, as SQL and its values."""
        covered = cover(self._span, stale=self._stale, now=self._now, coarsest=every or DAY)
        values: dict[str, Any] = {"every": every or DAY, "origin": self._origin, "users": list(self._users or ())}
        which = "" if self._users is None else " AND user_id = ANY(%(users)s)"
        which += "".join(f" AND {_alike(name, value, values)}" for name, value in self._alike.items())
        by_caller = self._users is not None or bool(CALLER.keys() & {*names, *self._alike})
        values["by_caller"] = by_caller
        parts = [
            f"SELECT start, {COLUMNS} FROM telemetry_rollup"  # noqa: S608
            f" WHERE by_caller = %(by_caller)s AND hours = {hours}{which} AND ({ranges})"
            for hours, spans in ((24, covered.days), (1, covered.hours))
            if (ranges := _ranges("start", spans, values))
        ]
        if ranges := _ranges("started_at", covered.calls, values):
            start = "date_bin(%(every)s, started_at, %(origin)s)"
            parts.append(counted(start, f"({ranges}){which}", by_caller=by_caller))
        nothing = f"SELECT start, {COLUMNS} FROM telemetry_rollup WHERE false"  # noqa: S608
        return " UNION ALL ".join(f"({part})" for part in parts or [nothing]), values


def _ranges(column: str, spans: Iterable[Span], values: dict[str, Any]) -> str:
    return " OR ".join(_range(column, span, values) for span in spans)


def _range(column: str, span: Span, values: dict[str, Any]) -> str:
    condition = f"{column} >= {_named(span.start, values)} AND {column} < {_named(span.end, values)}"
    random_until = ordered_after()
    if column == "started_at" and not (random_until and span.start <= random_until):
        first, end = _named(first_id(span.start), values), _named(first_id_after(span.end), values)
        condition += f" AND id >= {first} AND id < {end}"
    return f"({condition})"


def _alike(name: str, value: object, values: dict[str, Any]) -> str:
    if isinstance(value, Prefix):
        return f"starts_with({name}, {_named(value.text, values)})"
    return f"{name} = {_named(value, values)}"


def _named(value: Any, values: dict[str, Any]) -> str:
    name = f"value_{len(values)}"
    values[name] = value
    return f"%({name})s"
