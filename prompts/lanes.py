"""Where the labels of a prompt have been, drawn as one lane for each label over time. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

LONGEST, SHORTEST = timedelta(days=30), timedelta(hours=1)
TICKS = 5
# In percent of the width: narrower ones hold no text, and ticks nearer to the moment that is marked give way to it.
NARROW = 4.0
NEAR = 14.0


@dataclass(frozen=True, slots=True)
class Move:
    """``to`` is None where the label was removed."""

    label: str
    to: int | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Trial:
    """A rollout; ``until`` is None while it runs."""

    label: str
    version: int
    percent: int
    since: datetime
    until: datetime | None
    was_stopped: bool


@dataclass(frozen=True, slots=True)
class Period:
    start: datetime
    end: datetime

    def place(self, at: datetime) -> float:
        """In percent from the left."""
        share = (at - self.start) / (self.end - self.start)
        return 100 * min(1.0, max(0.0, share))

    @property
    def is_short(self) -> bool:
        """So that its ticks are times of day."""
        return self.end - self.start <= timedelta(days=2)


@dataclass(frozen=True, slots=True)
class Segment:
    """From ``left`` to ``right`` in percent.

    ``kind``: '' for a version, ``hit`` for the one that is asked for, ``back`` for a rollout that a guard has stopped,
    ``try`` for any other.
    """

    left: float
    right: float
    version: int
    kind: str = ""
    percent: int | None = None

    @property
    def x(self) -> str:
        return f"{self.left:.2f}%"

    @property
    def width(self) -> str:
        return f"{self.right - self.left:.2f}%"

    @property
    def text_x(self) -> str:
        return f"{self.left + 0.8:.2f}%"

    @property
    def has_text(self) -> bool:
        return self.percent is None and self.right - self.left >= NARROW


@dataclass(frozen=True, slots=True)
class Lane:
    label: str
    segments: Sequence[Segment]

    @property
    def summary(self) -> str:
        """Such as ``production: v1, v2``."""
        versions = [f"v{segment.version}" for segment in self.segments if segment.percent is None]
        return f"{self.label}: {', '.join(versions) or 'not set'}"


@dataclass(frozen=True, slots=True)
class Tick:
    at: datetime
    place: float

    @property
    def x(self) -> str:
        return f"{self.place:.2f}%"


@dataclass(frozen=True, slots=True)
class Chart:
    """``moment`` is the one that is marked, if there is one in the period."""

    period: Period
    lanes: Sequence[Lane]
    moment: Tick | None

    @property
    def ticks(self) -> list[Tick]:
        step = (self.period.end - self.period.start) / TICKS
        places = [self.period.start + step * number for number in range(TICKS)]
        ticks = [Tick(at, self.period.place(at)) for at in places]
        return [tick for tick in ticks if self.moment is None or abs(tick.place - self.moment.place) > NEAR]

    @property
    def has_trials(self) -> bool:
        return any(segment.kind == "try" for lane in self.lanes for segment in lane.segments)

    @property
    def has_stopped_trials(self) -> bool:
        return any(segment.kind == "back" for lane in self.lanes for segment in lane.segments)


def period_of(*, first: datetime, now: datetime, moment: datetime | None) -> Period:
    """At most ``LONGEST``, around ``moment`` or else up to ``now``, and not from before the ``first`` move."""
    is_past = moment is not None and moment < now - LONGEST / 2
    end = max(moment, first) + LONGEST / 2 if moment and is_past else now
    start = max(end - LONGEST, first)
    return Period(min(start, end - SHORTEST), end)


def draw(
    period: Period,
    before: Mapping[str, int],
    moves: Sequence[Move],
    trials: Iterable[Trial] = (),
    *,
    moment: datetime | None = None,
    first: str = "",
) -> Chart:
    """``before`` is what each label named as the period began, ``moves`` are those since, in their order.

    The label ``first`` has the first lane.
    """
    marked = moment if moment and period.start <= moment <= period.end else None
    shown = list(trials)
    names = {*before, *(move.label for move in moves)}
    lanes = [
        Lane(
            name,
            [
                *_served(period, before.get(name), [move for move in moves if move.label == name], marked),
                *_tried(period, [trial for trial in shown if trial.label == name]),
            ],
        )
        for name in sorted(names, key=lambda name: (name != first, name))
    ]
    return Chart(period, lanes, Tick(marked, period.place(marked)) if marked else None)


def _served(period: Period, first: int | None, moves: Sequence[Move], marked: datetime | None) -> list[Segment]:
    stays = [(period.start, first), *((move.at, move.to) for move in moves), (period.end, None)]
    return [
        Segment(period.place(since), period.place(until), version, "hit" if marked and since <= marked < until else "")
        for (since, version), (until, _) in pairwise(stays)
        if version is not None
    ]


def _tried(period: Period, trials: Iterable[Trial]) -> list[Segment]:
    return [
        Segment(
            period.place(trial.since),
            period.place(trial.until or period.end),
            trial.version,
            "back" if trial.was_stopped else "try",
            trial.percent,
        )
        for trial in trials
        if trial.since < period.end and (trial.until or period.end) > period.start
    ]
