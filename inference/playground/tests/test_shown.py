"""Figures beside each other: medians, spread, and which panel is the best."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from inference.playground.models import PanelAnswer
from inference.playground.shown import Metric, best_of
from telemetry.models import Generation, Status

NOW = datetime(2026, 11, 1, tzinfo=UTC)


def answer(seconds: float, status: Status = Status.SUCCEEDED) -> PanelAnswer:
    ended = None if status == Status.RUNNING else NOW + timedelta(seconds=seconds)
    return PanelAnswer(generation=Generation(started_at=NOW, ended_at=ended, status=status))


def test_the_best_is_better_by_a_tenth() -> None:
    assert best_of([[answer(1.0)], [answer(1.2)]]) == [frozenset({"seconds"}), frozenset()]
    assert best_of([[answer(1.0)], [answer(1.05)]]) == [frozenset(), frozenset()]


def test_there_is_no_best_before_two_have_ended() -> None:
    assert best_of([[answer(1.0)], [answer(1.2, Status.RUNNING)]]) == [frozenset(), frozenset()]
    assert best_of([[answer(1.0)], [answer(0.2, Status.FAILED)]]) == [frozenset(), frozenset()]
    assert best_of([[answer(1.0)], []]) == [frozenset(), frozenset()]


def test_of_several_answers_the_median_counts() -> None:
    panels = [[answer(9.0), answer(1.0), answer(1.1)], [answer(2.0)]]
    assert best_of(panels) == [frozenset({"seconds"}), frozenset()]


def test_a_spread_is_shown_where_it_is_notable() -> None:
    assert Metric([1.0, 2.0]).has_spread and not Metric([1.0, 1.05]).has_spread and not Metric([1.0]).has_spread
    assert Metric([]).value is None
