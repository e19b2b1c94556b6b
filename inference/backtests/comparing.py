"""How a replay compares with the recorded call. Pure.

Measures are looked at in this order: schema, tool calls, length, duration, cost. The first that differs decides.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from inference.providers.base import Tool
from inference.structured import problems_in

BETTER, SAME, WORSE = "better", "same", "worse"
OUTCOME, SCHEMA, TOOLS = "outcome", "schema", "tools"
FIGURES = ("length", "duration", "cost")
MEASURES = (SCHEMA, TOOLS, *FIGURES)
# Changes within it count as none.
ALIKE = Decimal("0.1")


@dataclass(frozen=True, slots=True)
class Answer:
    """``length`` in tokens, ``duration`` in seconds, ``cost`` in USD; None where it is not known."""

    has_succeeded: bool
    text: str = ""
    tool_calls: Sequence[Mapping[str, str]] = ()
    length: int | None = None
    duration: float | None = None
    cost: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Compared:
    """``measures``: by name, what was ``before`` and ``after`` and the verdict, as JSON can hold it."""

    verdict: str
    decided_by: str
    measures: Mapping[str, Mapping[str, Any]]


def compare(
    original: Answer, replay: Answer, *, tools: Sequence[Tool] = (), schema: Mapping[str, Any] | None = None
) -> Compared:
    """``tools`` and ``schema``: those that the replay was asked with. Of a replay that has succeeded."""
    measures: dict[str, Mapping[str, Any]] = {}
    if schema is not None:
        measures[SCHEMA] = _booleans(_fits(original, schema), _fits(replay, schema))
    if tools or original.tool_calls or replay.tool_calls:
        measures[TOOLS] = _tools(original, replay, tools)
    for name in FIGURES:
        before, after = getattr(original, name), getattr(replay, name)
        if before is not None and after is not None:
            measures[name] = {"before": str(before), "after": str(after), "verdict": figure_verdict(before, after)}
    if not original.has_succeeded:
        return Compared(BETTER, OUTCOME, measures)
    decided = next((name for name, one in measures.items() if one["verdict"] != SAME), "")
    return Compared(measures[decided]["verdict"] if decided else SAME, decided, measures)


def figure_verdict(before: Decimal | float, after: Decimal | float) -> str:
    """Less is better."""
    old, new = Decimal(str(before)), Decimal(str(after))
    if abs(new - old) <= ALIKE * old:
        return SAME
    return BETTER if new < old else WORSE


def same_calls(one: Sequence[Mapping[str, str]], other: Sequence[Mapping[str, str]]) -> bool:
    """By name and arguments, whatever their order and that of the keys."""
    return sorted(map(_canonical, one)) == sorted(map(_canonical, other))


def _canonical(call: Mapping[str, str]) -> tuple[str, str]:
    try:
        arguments = json.dumps(json.loads(call["arguments"] or "{}"), sort_keys=True)
    except (ValueError, RecursionError):
        arguments = call["arguments"]
    return call["name"], arguments


def _fits(answer: Answer, schema: Mapping[str, Any]) -> bool:
    """An answer that only calls tools has nothing to check."""
    if answer.tool_calls and not answer.text.strip():
        return True
    return answer.has_succeeded and not problems_in(answer.text, schema)


def _booleans(before: bool, after: bool) -> dict[str, Any]:
    verdict = SAME if before == after else BETTER if after else WORSE
    return {"before": before, "after": after, "verdict": verdict}


def _tools(original: Answer, replay: Answer, tools: Sequence[Tool]) -> dict[str, Any]:
    """Worse: calls that cannot be made, or none where the original made some. Other calls are only other calls."""
    offered = {tool.name: tool.parameters for tool in tools}
    before = all(_can_be_made(call, offered) for call in original.tool_calls) if tools else True
    after = all(_can_be_made(call, offered) for call in replay.tool_calls)
    after = after and bool(replay.tool_calls or not original.tool_calls)
    counts = {"calls_before": len(original.tool_calls), "calls_after": len(replay.tool_calls)}
    is_same = same_calls(original.tool_calls, replay.tool_calls)
    return {**_booleans(before, after), **counts, "are_same": is_same}


def _can_be_made(call: Mapping[str, str], offered: Mapping[str, Mapping[str, Any]]) -> bool:
    return call["name"] in offered and not problems_in(call["arguments"] or "{}", offered[call["name"]])
