"""The two small charts above the list, as inline SVG. Positions along x are percentages. Pure but for escaping."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from django.utils.safestring import SafeString

from telemetry.markup import joined, markup
from telemetry.rollups.histogram import BINS, lower_bound

HEIGHT, TOP, BASE = 62, 2, 44
# How many bins of the histograms make one bar: its bounds grow by a third.
MERGED = 3
_LAST = (BINS - 1) // MERGED
_MARKS_TOP = 11


@dataclass(frozen=True, slots=True)
class Slice:
    """A stretch of time, with the link to its calls and its figures in words."""

    calls: int
    failed: int
    href: str
    reading: str


def over_time(slices: Sequence[Slice], first: str, middle: str, last: str) -> SafeString:
    """Columns of calls, failed ones on top. Each leads to its calls."""
    top = max((one.calls for one in slices), default=0) or 1
    links = joined(
        '<a class="col" href="{}" tabindex="{}" aria-label="{}"><title>{}</title>{}{}</a>',
        (
            (
                one.href,
                -1 if place else 0,
                one.reading,
                one.reading,
                _hit(place, len(slices)),
                _bars(one, place, len(slices), top),
            )
            for place, one in enumerate(slices)
        ),
    )
    texts = ((0, "start", first), (50, "middle", middle), (100, "end", last))
    return _framed("Calls over time, failed on top", links, _labels(texts), role="group")


def _hit(place: int, count: int) -> SafeString:
    return markup(
        '<rect class="hit" x="{}%" y="0" width="{}%" height="{}"/>', _n(100 * place / count), _n(100 / count), BASE
    )


def _bars(one: Slice, place: int, count: int, top: int) -> SafeString:
    failed = max(one.failed * (BASE - TOP) / top, 1.0) if one.failed else 0.0
    rest = max((one.calls - one.failed) * (BASE - TOP) / top, 1.0) if one.calls > one.failed else 0.0
    x, width = _n(100 * (place + 0.08) / count), _n(84 / count)
    return joined(
        '<rect x="{}%" y="{}" width="{}%" height="{}" fill="url(#{})"/>',
        (
            (x, _n(y), width, _n(height), fill)
            for y, height, fill in ((BASE - rest, rest, "s-ok"), (BASE - rest - failed, failed, "s-bad"))
            if height
        ),
    )


def durations(
    histogram: Mapping[int, int],
    percentiles: Mapping[str, float | None],
    href: Callable[[float | None, float | None], str],
) -> SafeString:
    """How many calls took how long, along a scale by ratio, with marks at percentiles (seconds).

    ``href`` leads to the calls from one duration to another; None is no bound.
    """
    bars: dict[int, int] = {}
    for number, calls in histogram.items():
        bars[number // MERGED] = bars.get(number // MERGED, 0) + calls
    first, end = min(bars), max(bars) + 1
    top, count = max(bars.values()), end - first
    drawn = joined(
        '<a class="col" href="{0}" tabindex="{1}" aria-label="{2}"><title>{2}</title>{3}'
        '<rect x="{4}%" y="{5}" width="{6}%" height="{7}" fill="url(#s-ok)"/></a>',
        (
            (href(*_bounds(bar)), -1 if place else 0, f"{_between(*_bounds(bar))}: {calls:,} calls")
            + (_hit(bar - first, count), _n(100 * (bar - first + 0.06) / count), _n(BASE - height), _n(88 / count))
            + (_n(height),)
            for place, (bar, calls) in enumerate(sorted(bars.items()))
            for height in (max(calls * (BASE - _MARKS_TOP - 2) / top, 1.0),)
        ),
    )
    marks = [(name, _place(value, first, count)) for name, value in percentiles.items() if value is not None]
    return _framed("Durations of calls that succeeded", drawn, _marks(marks), _scale(first, count), role="group")


def _bounds(bar: int) -> tuple[float | None, float | None]:
    """In seconds. The first bin has all that is shorter, the last one all that is longer."""
    return lower_bound(bar * MERGED) if bar else None, lower_bound((bar + 1) * MERGED) if bar < _LAST else None


def _between(low: float | None, high: float | None) -> str:
    if low is None or high is None:
        return f"from {low:.3g} s" if low else f"up to {high:.3g} s"
    return f"{low:.3g} to {high:.3g} s"


def _place(seconds: float, first: int, count: int) -> float:
    """In percent along x."""
    step = math.log(lower_bound(MERGED) / lower_bound(0))
    place = math.log(seconds / lower_bound(first * MERGED)) / step
    return min(max(100 * place / count, 0), 100)


def _marks(marks: Sequence[tuple[str, float]]) -> SafeString:
    """The first one is named at its left, where there is room, so that two that are close can be told apart."""
    return joined(
        '<line class="mark" x1="{0}%" x2="{0}%" y1="2" y2="{1}"/>'
        '<text class="mark" x="{0}%" dx="{2}" y="9" text-anchor="{3}">{4}</text>',
        (
            (_n(x), BASE, *((-3, "end") if x > 85 or (not number and x > 15) else (3, "start")), name)
            for number, (name, x) in enumerate(marks)
        ),
    )


def _scale(first: int, count: int) -> SafeString:
    seconds = [value * 10**power for power in range(-3, 5) for value in (1, 3)]
    bounds = lower_bound(first * MERGED), lower_bound((first + count) * MERGED)
    shown = [value for value in seconds if bounds[0] <= value <= bounds[1]]
    step = max(1, math.ceil(len(shown) / 5))
    places = ((value, _place(value, first, count)) for value in shown[::step])
    return _labels([(x, "start" if x < 8 else "end" if x > 92 else "middle", f"{value:g} s") for value, x in places])


def _labels(texts: Sequence[tuple[float, str, str]]) -> SafeString:
    """Every other one is left out on phones."""
    return joined(
        '<text class="{}" x="{}%" y="58" text-anchor="{}">{}</text>',
        (("every-other" if number % 2 else "", _n(x), anchor, text) for number, (x, anchor, text) in enumerate(texts)),
    )


def _framed(title: str, *drawn: SafeString, role: str) -> SafeString:
    return markup(
        '<svg class="mini" height="{}" role="{}" aria-label="{}">'
        '<line class="grid base" x1="0" x2="100%" y1="{}" y2="{}"/>{}</svg>',
        *(HEIGHT, role, title, BASE + 0.5, BASE + 0.5, joined("{}", ((one,) for one in drawn))),
    )


def _n(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")
