"""What stands above the list: figures of all calls that the filters leave, and their course over time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.http import QueryDict
from django.utils import timezone
from django.utils.safestring import SafeString

from listing.pages import query_of
from telemetry.dashboard import numbers
from telemetry.explorer.figures import OverTime
from telemetry.explorer.small_charts import Slice, durations, over_time
from telemetry.rollups.coverage import Span
from telemetry.rollups.reading import Figures

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Summary:
    """Figures as they are shown, ``seconds`` by percentile.

    ``of``: how many of the newest calls they are of, None for all.
    """

    calls: str
    failed: str
    failed_share: str
    failed_href: str
    seconds: Mapping[str, str]
    samples: str
    tokens: str
    cost: str
    unpriced: int
    of: int | None
    late: int
    over_time: SafeString
    durations: SafeString | None


def summary_of(figures: OverTime, *, path: str, query: QueryDict) -> Summary:
    """``path`` and ``query`` are those of the list."""
    total = figures.total
    share = total.failed_share
    return Summary(
        calls=f"{total.calls:,}",
        failed=f"{total.failed:,}",
        failed_share=f"{share * 100:.1f}%" if share is not None else "",
        failed_href=path + query_of(query, without="status", status="failed"),
        seconds=dict(numbers.percentiles(total.seconds)),
        samples=numbers.samples(total.seconds.total()),
        tokens=numbers.compact(total.all_tokens),
        cost=numbers.cost(total.cost_usd, unpriced=total.unpriced),
        unpriced=total.unpriced,
        of=figures.of,
        late=figures.late,
        over_time=_chart(figures, path, query),
        durations=_durations(total, path, query),
    )


def _durations(total: Figures, path: str, query: QueryDict) -> SafeString | None:
    if not total.seconds:
        return None
    percentiles = {f"p{number}": total.seconds_percentile(number / 100) for number in (50, 95)}

    def href(low: float | None, high: float | None) -> str:
        bounds = {"min_seconds": low, "max_seconds": high}
        given = {name: f"{value:.6f}" for name, value in bounds.items() if value is not None}
        return path + query_of(query, without="summary", status="succeeded", **given)

    return durations(total.seconds, percentiles, href)


def _chart(figures: OverTime, path: str, query: QueryDict) -> SafeString:
    spans = figures.spans()
    slices = [_slice(span, figures.of_span(span), path, query) for span in spans]
    first, middle = (_moment(span.start, figures) for span in (spans[0], spans[len(spans) // 2]))
    ends_now = timezone.now() - figures.span.end < timedelta(minutes=1)
    return over_time(
        slices, first, middle if len(spans) > 2 else "", "now" if ends_now else _moment(figures.span.end, figures)
    )


def _slice(span: Span, figures: Figures, path: str, query: QueryDict) -> Slice:
    bounds = {"start": _local(span.start), "end": _local(span.end)}
    started = f"{timezone.localtime(span.start):%a %d %b %H:%M}"
    reading = f"{started}: {figures.calls:,} calls, {figures.failed:,} failed"
    return Slice(figures.calls, figures.failed, path + query_of(query, without="range", **bounds), reading)


def _moment(moment: datetime, figures: OverTime) -> str:
    length = figures.span.end - figures.span.start
    shape = "%a %H:%M" if length <= 8 * _DAY else "%d %b" if length <= 300 * _DAY else "%d %b %Y"
    return f"{timezone.localtime(moment):{shape}}"


def _local(moment: datetime) -> str:
    return timezone.localtime(moment).replace(tzinfo=None).isoformat(timespec="microseconds")
