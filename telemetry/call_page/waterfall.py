"""When what happened in a call: waiting, connecting, attempts, first token, stream. Drawn as SVG within a table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil, floor, log10

from django.utils.safestring import SafeString

from telemetry.markup import joined, markup
from telemetry.models import Generation
from telemetry.report import Attempt, attempts_of

HEIGHT = 24
MOST_TICKS = 9
# What is shorter is not worth a row, in seconds.
SHORTEST = 0.001
_STEPS = (1, 2, 5, 10)


@dataclass(frozen=True, slots=True)
class Step:
    """``start`` and ``seconds`` from the start of the call on. ``pattern`` names a fill of _patterns.html."""

    name: str
    start: float
    seconds: float
    pattern: str
    note: str = ""
    is_bad: bool = False

    @property
    def milliseconds(self) -> int:
        return round(self.seconds * 1000)

    @property
    def end(self) -> float:
        return self.start + self.seconds


@dataclass(frozen=True, slots=True)
class Waterfall:
    """``rows``: each step with its bar. ``axis`` stands above the bars."""

    milliseconds: int
    attempts: int
    axis: SafeString
    rows: Sequence[tuple[Step, SafeString]]
    has_first_token: bool


def waterfall_of(call: Generation) -> Waterfall | None:
    """None while the call is running."""
    if call.seconds is None:
        return None
    steps = list(_steps(call))
    whole = max(call.seconds, *(step.end for step in steps), SHORTEST)
    first = call.seconds_to_first_token
    marks = [first] if first is not None and first <= whole else []
    return Waterfall(
        milliseconds=round(call.seconds * 1000),
        attempts=len(call.attempts),
        axis=_axis(whole),
        rows=[(step, _bar(step, whole, marks)) for step in steps],
        has_first_token=bool(marks),
    )


def _steps(call: Generation) -> Iterator[Step]:
    attempts = attempts_of(call) or [_only_attempt(call)]
    if attempts[0].offset >= SHORTEST:
        yield Step("Wait", 0, attempts[0].offset, "s-wait", "Before the first attempt")
    for number, attempt in enumerate(attempts, start=1):
        name = f"Attempt {number}" if len(attempts) > 1 else ""
        start = attempt.offset
        if attempt.connect is not None:
            start += attempt.connect
            yield _connection(attempt)
        yield from _attempt(call, attempt, name, start, is_last=number == len(attempts))
        if attempt.wait is not None:
            note = "As requested by the provider" if attempt.retry_after is not None else "Growing with each attempt"
            yield Step("Retry wait", attempt.end, attempt.wait, "s-wait", note)


def _only_attempt(call: Generation) -> Attempt:
    """Of calls whose attempts were not recorded, as when the process has died."""
    failed = call.error_type if call.error_type else ""
    return Attempt(0.0, call.seconds or 0.0, failed, call.error_status, call.error_message, None)


def _connection(attempt: Attempt) -> Step:
    seconds = attempt.connect or 0.0
    return Step("Connect", attempt.offset, seconds, "s-stop", "" if seconds >= SHORTEST else "Connection reused")


def _attempt(call: Generation, attempt: Attempt, name: str, start: float, *, is_last: bool) -> Iterator[Step]:
    bad, note = bool(attempt.error_type), _failure(attempt)
    first = call.seconds_to_first_token if is_last else None
    if first is None or not start <= first <= attempt.end:
        pattern = "s-bad" if bad else "s-first"
        yield Step(name or "Response", start, max(attempt.end - start, 0), pattern, note, bad)
        return
    yield Step(f"{name} to first token".strip().capitalize(), start, first - start, "s-first")
    note = note or _speed(call)
    yield Step("Stream", first, attempt.end - first, "s-bad" if bad else "s-stream", note, bad)


def _failure(attempt: Attempt) -> str:
    if not attempt.error_type:
        return ""
    title = attempt.error_type.replace("_", " ").capitalize()
    return f"{attempt.status} {title}" if attempt.status else title


def _speed(call: Generation) -> str:
    if not call.total_output_tokens:
        return ""
    speed = call.output_tokens_per_second
    return f"{call.total_output_tokens:,} tokens" + (f", {speed:,.0f} tok/s" if speed else "")


def _bar(step: Step, whole: float, marks: Sequence[float]) -> SafeString:
    """At least a pixel or two wide, however short it was."""
    left = min(100 * step.start / whole, 99.8)
    shape = (_n(left), _n(max(min(100 * step.seconds / whole, 100 - left), 0.2)))
    rect = markup('<rect x="{}%" y="7" width="{}%" height="10" rx="1" fill="url(#{})"/>', *shape, step.pattern)
    dashed = joined(
        '<line class="mark" x1="{0}%" x2="{0}%" y1="0" y2="{1}"/>',
        ((_n(100 * mark / whole), HEIGHT) for mark in marks),
    )
    lines = joined(
        '<line class="grid" x1="{0}%" x2="{0}%" y1="0" y2="{1}"/>',
        ((_n(100 * tick / whole), HEIGHT) for tick in _ticks(whole)),
    )
    return markup('<svg class="wf" height="{}" aria-hidden="true">{}{}{}</svg>', HEIGHT, lines, rect, dashed)


def _axis(whole: float) -> SafeString:
    ticks = _ticks(whole)
    texts = joined(
        '<text class="{}" x="{}%" y="12" text-anchor="{}">{}</text>',
        (
            ("every-other" if place % 2 else "", _n(100 * tick / whole), _anchor(tick, whole), _named(tick))
            for place, tick in enumerate(ticks)
        ),
    )
    return markup('<svg class="wf" height="16" aria-hidden="true">{}</svg>', texts)


def _anchor(tick: float, whole: float) -> str:
    return "start" if tick == 0 else "end" if tick > 0.97 * whole else "middle"


def _ticks(whole: float) -> list[float]:
    """Round numbers from 0 on, in seconds."""
    power = 10 ** floor(log10(whole / MOST_TICKS))
    every = next(step * power for step in _STEPS if whole / (step * power) <= MOST_TICKS)
    return [every * number for number in range(ceil(whole / every + 1e-9)) if every * number <= whole]


def _named(seconds: float) -> str:
    return f"{seconds:g} s" if seconds >= 1 or seconds == 0 else f"{seconds * 1000:g} ms"


def _n(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")
