"""Charts as inline SVG, drawn from numbers alone: no script, no inline style, no fixed width.

A position along x is a percentage, one along y a pixel, so that a chart fits any width and its text is never scaled.
Colours and patterns are those of dashboard.css and _patterns.html. Pure but for the escaping of text.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from django.utils.safestring import SafeString

from telemetry.markup import joined, markup

HEIGHT, TOP = 150, 18
# Beyond this share of the width there is no room for a label.
LAST_LABEL = 0.93
_STEPS = (1, 1.2, 1.6, 2, 2.4, 3, 4, 5, 6, 8, 10)
_NOTHING = SafeString("")
_NONE_PROJECTED: Mapping[int, float] = {}


@dataclass(frozen=True, slots=True)
class Column:
    """One stretch of time. ``reading`` says its figures in words, ``href`` leads to its calls."""

    reading: str
    href: str
    tick: str = ""


@dataclass(frozen=True, slots=True)
class Series:
    """``pattern`` names a fill of _patterns.html. A value of None is no data."""

    name: str
    pattern: str
    values: Sequence[float | None]


def nice_top(value: float) -> float:
    """The next round number whose half is round too."""
    if value <= 0:
        return 1
    power = 10 ** math.floor(math.log10(value))
    return float(next(step * power for step in _STEPS if step * power >= value * 0.999))


def stacked_columns(
    title: str,
    series: Sequence[Series],
    columns: Sequence[Column],
    show: Callable[[float], str],
    *,
    partial: int = -1,
    projected: Mapping[int, float] = _NONE_PROJECTED,
) -> str:
    """``series`` from the bottom up. The column ``partial`` is still being filled, and pale: the last one by default.

    ``projected``: how high columns are going to be, by their place.
    """
    sums = [_sum_of(one.values[place] for one in series) for place in range(len(columns))]
    known = [projected.get(place, value) for place, value in enumerate(sums)]
    top = nice_top(max((value for value in (*sums, *known) if value is not None), default=0))
    pale = partial % len(columns) if -len(columns) <= partial < len(columns) else None
    drawn = [
        _joined(
            [_column(series, place, len(columns), top, pale), _outline(projected.get(place), place, len(columns), top)]
        )
        for place in range(len(columns))
    ]
    return _frame("columns", title, columns, known, top, show, drawn)


def _outline(value: float | None, place: int, count: int, top: float) -> SafeString:
    if not value:
        return _NOTHING
    height = max(value * (HEIGHT - TOP) / top, 1.0)
    shape = (_x(place + 0.14, count), _n(HEIGHT - height), _n(72 / count), _n(height))
    return markup('<rect class="projected" x="{}%" y="{}" width="{}%" height="{}"/>', *shape)


def _sum_of(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def _column(series: Sequence[Series], place: int, count: int, top: float, pale: int | None) -> SafeString:
    bottom, parts = float(HEIGHT), []
    for one in series:
        value = one.values[place]
        if not value:
            continue
        height = max(value * (HEIGHT - TOP) / top, 1.0)
        bottom -= height
        # A hairline between two segments keeps them apart in greyscale.
        shape = (_x(place + 0.14, count), _n(bottom), _n(72 / count), _n(max(height - 0.75, 0.75)), one.pattern)
        parts.append(markup('<rect x="{}%" y="{}" width="{}%" height="{}" fill="url(#{})"/>', *shape))
    drawn = _joined(parts)
    return markup('<g class="partial">{}</g>', drawn) if place == pale else drawn


def percentile_band(
    title: str,
    low: Sequence[float | None],
    high: Sequence[float | None],
    columns: Sequence[Column],
    show: Callable[[float], str],
) -> str:
    """p50 and p95 as lines, with the band between them."""
    top = nice_top(max((value for value in high if value is not None), default=0))
    drawn = [_dots(low, high, place, top) for place in range(len(columns))]
    lines = _joined(_lines(low, high, top))
    names = _joined([_line_name("p95", high, top), _line_name("p50", low, top)])
    inner = markup(
        '<svg class="inner" width="100%" height="{0}" viewBox="0 0 1000 {0}" preserveAspectRatio="none">{1}</svg>',
        HEIGHT,
        lines,
    )
    return _frame("lines", title, columns, low, top, show, drawn, _joined([inner, names]))


def _line_name(name: str, values: Sequence[float | None], top: float) -> SafeString:
    """Above its end."""
    places = [place for place, value in enumerate(values) if value is not None]
    if not places:
        return _NOTHING
    x, y = _x(places[-1] + 0.5, len(values)), _n(_y(values[places[-1]] or 0, top) - 5)
    return markup('<text class="line-name" x="{}%" y="{}" text-anchor="end">{}</text>', x, y, name)


def _lines(low: Sequence[float | None], high: Sequence[float | None], top: float) -> Iterator[SafeString]:
    for first, end in _runs(low, known=True):
        upper = [_point(place, high[place], len(low), top) for place in range(first, end)]
        lower = [_point(place, low[place], len(low), top) for place in range(first, end)]
        yield markup('<polygon class="band" points="{} {}"/>', " ".join(upper), " ".join(reversed(lower)))
        for kind, points in (("high", upper), ("low", lower)):
            yield markup('<polyline class="line {}" points="{}"/>', kind, " ".join(points))


def _point(place: int, value: float | None, count: int, top: float) -> str:
    return f"{_n((place + 0.5) * 1000 / count)},{_n(_y(value or 0, top))}"


def _dots(low: Sequence[float | None], high: Sequence[float | None], place: int, top: float) -> SafeString:
    values = [value for value in (low[place], high[place]) if value is not None]
    x = _x(place + 0.5, len(low))
    # One that stands alone is no line.
    alone = place not in {at for first, end in _runs(low, known=True) if end - first > 1 for at in range(first, end)}
    return joined(
        '<circle class="dot{}" cx="{}%" cy="{}" r="3"/>',
        ((" alone" if alone else "", x, _n(_y(value, top))) for value in values),
    )


def sparkline(values: Sequence[float | None]) -> str:
    """The shape of a figure. Decorative: the figure beside it says the value."""
    height, top = 30, max((value for value in values if value is not None), default=0) or 1
    lines = []
    for first, end in _runs(values, known=True):
        points = " ".join(
            f"{_n(place * 1000 / max(len(values) - 1, 1))},{_n(2 + (height - 4) * (1 - (values[place] or 0) / top))}"
            for place in range(first, end)
        )
        lines.append(markup('<polyline class="line" points="{}"/>', points))
    return markup(
        '<svg class="spark" aria-hidden="true" height="{0}" viewBox="0 0 1000 {0}" preserveAspectRatio="none">'
        "{1}</svg>",
        height,
        _joined(lines),
    )


def cell_bar(share: float) -> str:
    return markup(
        '<svg class="cell-bar" height="6" aria-hidden="true"><rect width="{}%" height="6" rx="1"/></svg>',
        _n(100 * share),
    )


def _frame(
    kind: str,
    title: str,
    columns: Sequence[Column],
    values: Sequence[float | None],
    top: float,
    show: Callable[[float], str],
    drawn: Sequence[SafeString],
    inner: SafeString = _NOTHING,
) -> str:
    count = len(columns)
    # One tab stop is enough: arrow keys go on from it (static/js/charts.js), and the same numbers are in the table.
    links = joined(
        '<a class="col" href="{}" tabindex="{}" aria-label="{}">{}{}'
        '<text class="read" x="100%" y="10" text-anchor="end">{}</text></a>',
        (
            (column.href, -1 if place else 0, column.reading, _hit(place, count), drawn[place], column.reading)
            for place, column in enumerate(columns)
        ),
    )
    return markup(
        '<div class="plot {}">{}<svg class="xy" height="{}" role="group" aria-label="{}">{}{}{}{}{}</svg></div>',
        *(kind, _y_axis(top, show), HEIGHT + 22, title, _grid(), _x_axis(columns), _gaps(values), inner, links),
    )


def _hit(place: int, count: int) -> SafeString:
    """All of a column answers to the pointer, however small its figures are."""
    shape = (_x(place, count), _n(100 / count), HEIGHT - 14)
    return markup('<rect class="hit" x="{}%" y="14" width="{}%" height="{}"/>', *shape)


def _y_axis(top: float, show: Callable[[float], str]) -> SafeString:
    texts = joined(
        '<text x="100%" y="{}" text-anchor="end">{}</text>',
        ((_n(_y(value, top) + 4), show(value)) for value in (0, top / 2, top)),
    )
    return markup('<svg class="y-axis" height="{}" aria-hidden="true">{}</svg>', HEIGHT + 22, texts)


def _grid() -> SafeString:
    lines = ((" base" if share == 0 else "", round(_y(share, 1)) + 0.5) for share in (0, 0.5, 1))
    return joined('<line class="grid{}" x1="0" x2="100%" y1="{}" y2="{}"/>', ((kind, y, y) for kind, y in lines))


def _x_axis(columns: Sequence[Column]) -> SafeString:
    """Ticks, each with its label behind it where there is room for one."""
    ticks = [(place, column.tick) for place, column in enumerate(columns) if column.tick]
    return joined(
        '<line class="tick" x1="{0}%" x2="{0}%" y1="{1}" y2="{2}"/>'
        '<text class="{3}" x="{0}%" dx="4" y="{4}">{5}</text>',
        (
            (_x(place, len(columns)), HEIGHT, HEIGHT + 5, "every-other" if number % 2 else "", HEIGHT + 17)
            + (text if place <= LAST_LABEL * len(columns) else "",)
            for number, (place, text) in enumerate(ticks)
        ),
    )


def _gaps(values: Sequence[float | None]) -> SafeString:
    """Hatched, and named where there is room."""
    count = len(values)
    return joined(
        '<g class="gap"><rect x="{}%" y="{}" width="{}%" height="{}" fill="url(#hatch-gap)"/>'
        '<text x="{}%" y="{}" text-anchor="middle">{}</text></g>',
        (
            (_x(first, count), TOP, _n(100 * (end - first) / count), HEIGHT - TOP)
            + (_x((first + end) / 2, count), TOP + 12, "No data" if (end - first) * 8 >= count else "")
            for first, end in _runs(values, known=False)
        ),
    )


def _runs(values: Sequence[float | None], *, known: bool) -> Iterator[tuple[int, int]]:
    """First and end of each stretch of values, or of none."""
    first = None
    for place in range(len(values) + 1):
        inside = place < len(values) and (values[place] is not None) == known
        if inside and first is None:
            first = place
        elif not inside and first is not None:
            yield first, place
            first = None


def _joined(parts: Iterable[SafeString]) -> SafeString:
    return joined("{}", ((part,) for part in parts))


def _x(place: float, count: int) -> str:
    return _n(100 * place / count)


def _y(value: float, top: float) -> float:
    return TOP + (HEIGHT - TOP) * (1 - value / top)


def _n(value: float) -> str:
    """A coordinate, short."""
    return f"{value:.2f}".rstrip("0").rstrip(".")
