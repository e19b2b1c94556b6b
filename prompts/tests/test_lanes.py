"""The chart of where labels have been."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from prompts.lanes import LONGEST, SHORTEST, Move, Period, Trial, draw, period_of

START = datetime(2026, 11, 1, tzinfo=UTC)
PERIOD = Period(START, START + timedelta(days=10))


def day(number: float) -> datetime:
    return START + timedelta(days=number)


def test_a_lane_has_a_segment_for_each_stay() -> None:
    chart = draw(PERIOD, {"production": 1}, [Move("production", 2, day(4))])
    [lane] = chart.lanes
    assert [(each.version, each.x, each.width) for each in lane.segments] == [
        (1, "0.00%", "40.00%"),
        (2, "40.00%", "60.00%"),
    ]
    assert lane.summary == "production: v1, v2"


def test_the_label_that_counts_most_comes_first_and_a_removed_label_leaves_a_gap() -> None:
    moves = [Move("beta", None, day(5)), Move("production", 1, day(6)), Move("beta", 2, day(8))]
    chart = draw(PERIOD, {"beta": 1}, moves, first="production")
    assert [lane.label for lane in chart.lanes] == ["production", "beta"]
    assert [(each.x, each.width) for each in chart.lanes[1].segments] == [("0.00%", "50.00%"), ("80.00%", "20.00%")]


def test_the_stay_at_a_moment_is_marked() -> None:
    chart = draw(PERIOD, {"production": 1}, [Move("production", 2, day(4))], moment=day(4))
    assert [each.kind for each in chart.lanes[0].segments] == ["", "hit"]
    assert chart.moment and chart.moment.x == "40.00%"
    assert all(abs(tick.place - 40) > 14 for tick in chart.ticks)


def test_rollouts_lie_over_what_the_label_served() -> None:
    trials = [
        Trial("production", 2, 10, day(2), day(3), was_stopped=True),
        Trial("production", 3, 20, day(9), None, was_stopped=False),
        Trial("production", 4, 20, day(-3), day(-2), was_stopped=False),
    ]
    [lane] = draw(PERIOD, {"production": 1}, [], trials).lanes
    assert [(each.kind, each.x, each.width) for each in lane.segments[1:]] == [
        ("back", "20.00%", "10.00%"),
        ("try", "90.00%", "10.00%"),
    ]


def test_the_period_ends_now_or_lies_around_the_moment() -> None:
    first, now = day(-100), day(0)
    assert period_of(first=first, now=now, moment=None) == Period(now - LONGEST, now)
    assert period_of(first=first, now=now, moment=day(-50)) == Period(day(-65), day(-35))
    assert period_of(first=day(-2), now=now, moment=None).start == day(-2)
    assert period_of(first=first, now=now, moment=datetime.max.replace(tzinfo=UTC)).end == now
    assert period_of(first=first, now=now, moment=datetime.min.replace(tzinfo=UTC)).start == first
    assert period_of(first=now, now=now, moment=None) == Period(now - SHORTEST, now)


def test_a_moment_from_before_the_first_move_is_not_marked() -> None:
    period = period_of(first=day(-2), now=day(0), moment=day(-20))
    assert draw(period, {}, [], moment=day(-20)).moment is None
