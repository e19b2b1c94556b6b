"""A backtest as its page shows it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import cached_property
from statistics import mean, median
from typing import TYPE_CHECKING, Any

from django.db.models import Q, QuerySet

from inference.backtests.comparing import BETTER, SAME, SCHEMA, TOOLS, WORSE
from inference.backtests.models import Backtest, BacktestCall, CallState, State
from inference.backtests.settling import answer_of, calls_of
from prompts.diffs import Fold, Row, folded, rows_of
from telemetry.models import ContextMessage, Generation
from telemetry.ratings import add_ratings
from telemetry.said import Said, call_cards

if TYPE_CHECKING:
    from accounts.models import User

TITLES = {
    SCHEMA: "Schema valid",
    TOOLS: "Tool calls as expected",
    "length": "Length, median",
    "duration": "Duration, p50",
    "cost": "Cost per call",
}
FAILED = (CallState.FAILED, CallState.INTERRUPTED, CallState.STOPPED, CallState.SKIPPED)
SHOWN: dict[str, Q] = {
    "": Q(),
    WORSE: Q(verdict=WORSE),
    BETTER: Q(verdict=BETTER),
    SAME: Q(verdict=SAME),
    "failed": Q(state__in=FAILED),
}
_TONES = {BETTER: "good", WORSE: "bad", SAME: ""}
_NOT_WORTH_A_WORD = Decimal("0.005")


@dataclass(frozen=True, slots=True)
class Change:
    """Of a figure: ``↓ 12%`` and the tone that goes with it."""

    before: Decimal
    after: Decimal
    verdict: str

    @classmethod
    def of(cls, measure: Mapping[str, Any] | None) -> Change | None:
        if not measure:
            return None
        return cls(Decimal(measure["before"]), Decimal(measure["after"]), measure["verdict"])

    @property
    def tone(self) -> str:
        return _TONES[self.verdict]

    @property
    def text(self) -> str:
        difference = self.after - self.before
        arrow = "↑" if difference > 0 else "↓"
        if not self.before:
            return "no change" if not difference else arrow
        share = abs(difference) / self.before
        return "no change" if share < _NOT_WORTH_A_WORD else f"{arrow} {share:.0%}"


@dataclass(frozen=True, slots=True)
class Total:
    """One measure of all replays that have an answer. ``before`` and ``after``: shares in percent, or figures."""

    name: str
    counts: Mapping[str, int]
    before: Decimal
    after: Decimal

    @property
    def title(self) -> str:
        return TITLES[self.name]

    @property
    def is_rate(self) -> bool:
        return self.name in (SCHEMA, TOOLS)

    @property
    def better(self) -> int:
        return self.counts.get(BETTER, 0)

    @property
    def same(self) -> int:
        return self.counts.get(SAME, 0)

    @property
    def worse(self) -> int:
        return self.counts.get(WORSE, 0)

    @property
    def bar(self) -> Bar:
        return Bar(self.better, self.same, self.worse)

    @property
    def change(self) -> str:
        if self.is_rate:
            points = self.after - self.before
            return f"{'↑' if points > 0 else '↓'} {abs(points):.0f} pt" if abs(points) >= 1 else "no change"
        return Change(self.before, self.after, SAME).text

    @property
    def tone(self) -> str:
        if self.change == "no change":
            return ""
        is_better = self.after > self.before if self.is_rate else self.after < self.before
        is_notable = self.is_rate or abs(self.after - self.before) > self.before / 10
        return ("good" if is_better else "bad") if is_notable else ""


@dataclass(frozen=True, slots=True)
class Bar:
    """Shares of a bar, in percent of its width."""

    better: int
    same: int
    worse: int

    @property
    def parts(self) -> list[tuple[str, str, str]]:
        """Class, start and width, for SVG."""
        total = self.better + self.same + self.worse or 1
        found, start = [], 0.0
        for name, count in (("good", self.better), ("same", self.same), ("bad", self.worse)):
            width = 100 * count / total
            found.append((name, f"{start:.2f}%", f"{width:.2f}%"))
            start += width
        return found


def totals_of(rows: Sequence[Mapping[str, Mapping[str, Any]]]) -> list[Total]:
    """``rows``: the measures of each replay that has an answer."""
    found = []
    for name in TITLES:
        measures = [row[name] for row in rows if name in row]
        if not measures:
            continue
        middle = _percent if name in (SCHEMA, TOOLS) else mean if name == "cost" else median
        sides = [[_number(measure[side]) for measure in measures] for side in ("before", "after")]
        before, after = (Decimal(middle(side)) for side in sides)
        found.append(Total(name, Counter(measure["verdict"] for measure in measures), before, after))
    return found


def _number(value: Any) -> Decimal:
    return Decimal(int(value)) if isinstance(value, bool) else Decimal(value)


def _percent(values: Sequence[Decimal]) -> Decimal:
    return 100 * sum(values, Decimal()) / len(values)


@dataclass(frozen=True)
class Progress:
    """All but the calls one by one."""

    backtest: Backtest
    may_edit: bool
    states: Mapping[str, int]
    verdicts: Mapping[str, int]
    totals: Sequence[Total]
    used_usd: Decimal

    @property
    def total(self) -> int:
        return sum(self.states.values())

    @property
    def waiting(self) -> int:
        return self.states.get(CallState.WAITING, 0)

    @property
    def ended(self) -> int:
        return self.total - self.waiting - self.running

    @property
    def running(self) -> int:
        return self.states.get(CallState.RUNNING, 0)

    @property
    def failed(self) -> int:
        return sum(self.states.get(state, 0) for state in FAILED)

    @property
    def compared(self) -> int:
        return sum(self.verdicts.values())

    @property
    def is_live(self) -> bool:
        return self.backtest.is_active or bool(self.running)

    @property
    def may_resume(self) -> bool:
        return self.may_edit and self.backtest.state == State.PAUSED

    @property
    def bar(self) -> Bar:
        return Bar(*(self.verdicts.get(verdict, 0) for verdict in (BETTER, SAME, WORSE)))

    @property
    def done_percent(self) -> float:
        return round(100 * self.ended / self.total, 2) if self.total else 0

    @property
    def budget_percent(self) -> float:
        return float(round(min(100 * self.used_usd / self.backtest.budget_usd, Decimal(100)), 2))

    @property
    def expected_usd(self) -> Decimal | None:
        """Of all calls, by the mean of those that have an answer."""
        done = self.states.get(CallState.DONE, 0)
        return self.used_usd / (done + self.running) * self.total if done and not self.backtest.most_unpriced else None

    @property
    def tabs(self) -> list[tuple[str, str, int]]:
        counts = {"": self.total, "failed": self.failed, **{name: self.verdicts.get(name, 0) for name in _TONES}}
        return [(name, name.capitalize() or "All", counts[name]) for name in SHOWN]


def progress_of(backtest: Backtest, *, may_edit: bool) -> Progress:
    rows = list(backtest.calls.values_list("state", "verdict", "measures"))
    return Progress(
        backtest,
        may_edit,
        Counter(state for state, _, _ in rows),
        Counter(verdict for _, verdict, _ in rows if verdict),
        totals_of([measures for _, verdict, measures in rows if verdict]),
        backtest.used_usd,
    )


def shown_rows(backtest: Backtest, show: str) -> QuerySet[BacktestCall]:
    return backtest.calls.filter(SHOWN.get(show, Q()))


@dataclass(frozen=True)
class ShownRow:
    """A row of the list; ``title`` is what the call asked last, empty where it is no longer kept."""

    row: BacktestCall
    original: Generation | None
    title: str = ""

    @property
    def schema(self) -> Mapping[str, Any] | None:
        found: Mapping[str, Any] | None = self.row.measures.get(SCHEMA)
        return found

    @property
    def tools(self) -> Mapping[str, Any] | None:
        found: Mapping[str, Any] | None = self.row.measures.get(TOOLS)
        return found

    @cached_property
    def figures(self) -> list[tuple[str, Change | None]]:
        return [(name, Change.of(self.row.measures.get(name))) for name in ("length", "duration", "cost")]

    @property
    def tone(self) -> str:
        return _TONES.get(self.row.verdict, "")

    @property
    def has_answer(self) -> bool:
        return self.row.state == CallState.DONE


def listed(rows: Sequence[BacktestCall]) -> list[ShownRow]:
    found = Generation.objects.filter(pk__in=[row.call_id for row in rows]).select_related("content")
    texts_of_content = ("content__response_text", "content__reasoning_text", "content__tool_calls")
    originals = {call.pk: call for call in found.defer(*texts_of_content)}
    contents = [call.content for call in originals.values() if hasattr(call, "content")]
    heads = ContextMessage.objects.filter(
        user__in={call.user_id for call in originals.values() if call.user_id},
        digest__in=[bytes(content.head) for content in contents],
    )
    texts: dict[tuple[int | None, date, bytes], str] = {
        (one.user_id, one.period, bytes(one.digest)): one.text for one in heads
    }
    shown = []
    for row in rows:
        original = originals.get(row.call_id)
        content = getattr(original, "content", None)
        key = (original.user_id, content.period, bytes(content.head)) if original and content else None
        shown.append(ShownRow(row, original, " ".join(texts.get(key, "").split())[:200] if key else ""))
    return shown


@dataclass(frozen=True)
class OpenedRow:
    """A call and its replay beside each other."""

    row: BacktestCall
    original: Generation | None
    replay: Generation | None
    diff: list[Row | Fold] = field(default_factory=list)
    calls_before: list[Said] = field(default_factory=list)
    calls_after: list[Said] = field(default_factory=list)

    @property
    def tools(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.row.measures.get(TOOLS, {})
        return found


def opened(row: BacktestCall, viewer: User) -> OpenedRow:
    calls = calls_of([pk for pk in (row.call_id, row.replay_id) if pk])
    original, replay = calls.get(row.call_id), calls.get(row.replay_id) if row.replay_id else None
    add_ratings([replay], viewer)
    if original is None or replay is None:
        return OpenedRow(row, original, replay)
    before, after = answer_of(original), answer_of(replay)
    return OpenedRow(
        row,
        original,
        replay,
        folded(rows_of(before.text, after.text)),
        list(call_cards(before.tool_calls)),
        list(call_cards(after.tool_calls)),
    )


@dataclass(frozen=True)
class Matched:
    """Two backtests by the calls that both have replayed with an answer: ``pairs`` of their rows."""

    first: Backtest
    second: Backtest
    pairs: Sequence[tuple[ShownRow, ShownRow]]
    totals: Sequence[tuple[Total, Total | None]]

    @property
    def verdicts(self) -> list[Mapping[str, int]]:
        """Of the first and the second, how often each was better, the same and worse than the recorded calls."""
        return [Counter(pair[side].row.verdict for pair in self.pairs) for side in (0, 1)]


MOST_PAIRS = 200


def matched(first: Backtest, second: Backtest) -> Matched:
    """``pairs`` are the first ``MOST_PAIRS`` of them; the totals count all."""
    rows = {row.call_id: row for row in second.calls.filter(state=CallState.DONE)}
    both = [(row, rows[row.call_id]) for row in first.calls.filter(state=CallState.DONE) if row.call_id in rows]
    totals = [{one.name: one for one in totals_of([pair[side].measures for pair in both])} for side in (0, 1)]
    shown = [listed([pair[side] for pair in both[:MOST_PAIRS]]) for side in (0, 1)]
    return Matched(
        first,
        second,
        list(zip(*shown, strict=True)),
        [(total, totals[1].get(name)) for name, total in totals[0].items()],
    )
