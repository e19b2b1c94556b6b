"""Which of two answers is better."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from inference.backtests.comparing import BETTER, SAME, WORSE, Answer, compare, figure_verdict, same_calls
from inference.providers.base import Tool

PLAIN = Answer(True, "{}", length=100, duration=1.0, cost=Decimal("0.01"))
SCHEMA = {"type": "object", "required": ["category"]}
PAGE = Tool("page", "", {"type": "object", "properties": {"team": {"type": "string"}}, "required": ["team"]})


def call(arguments: str = '{"team": "a"}', name: str = "page") -> dict[str, str]:
    return {"id": "1", "name": name, "arguments": arguments}


@pytest.mark.parametrize(
    ("before", "after", "verdict"),
    [(100, 90, SAME), (100, 110, SAME), (100, 89, BETTER), (100, 111, WORSE), (0, 0, SAME), (0, 1, WORSE)],
)
def test_changes_within_ten_percent_are_none(before: int, after: int, verdict: str) -> None:
    assert figure_verdict(before, after) == verdict


def test_the_schema_goes_before_everything_else() -> None:
    compared = compare(PLAIN, replace(PLAIN, text='{"category": 1}', length=900), schema=SCHEMA)
    assert (compared.verdict, compared.decided_by) == (BETTER, "schema")
    assert compared.measures["length"]["verdict"] == WORSE


@pytest.mark.parametrize(
    ("values", "verdict", "decided_by"),
    [
        ({}, SAME, ""),
        ({"length": 50}, BETTER, "length"),
        ({"length": 50, "duration": 9.0}, BETTER, "length"),
        ({"duration": 9.0, "cost": Decimal("0.001")}, WORSE, "duration"),
        ({"cost": Decimal("0.001")}, BETTER, "cost"),
    ],
)
def test_the_first_figure_that_differs_decides(values: dict[str, Any], verdict: str, decided_by: str) -> None:
    compared = compare(PLAIN, replace(PLAIN, **values))
    assert (compared.verdict, compared.decided_by) == (verdict, decided_by)


def test_what_is_not_known_is_not_compared() -> None:
    assert "cost" not in compare(PLAIN, replace(PLAIN, cost=None)).measures


@pytest.mark.parametrize(
    ("before", "after", "verdict", "are_same"),
    [
        ([call()], [call()], SAME, True),
        ([call()], [call('{ "team":"a" }')], SAME, True),
        ([call()], [call('{"team": "b"}')], SAME, False),
        ([], [call()], SAME, False),
        ([call()], [], WORSE, False),
        ([call()], [call("{}")], WORSE, False),
        ([call()], [call("not JSON")], WORSE, False),
        ([call()], [call(name="other")], WORSE, False),
        ([call("{}")], [call()], BETTER, False),
    ],
)
def test_tool_calls(before: list[Any], after: list[Any], verdict: str, are_same: bool) -> None:
    compared = compare(replace(PLAIN, tool_calls=before), replace(PLAIN, tool_calls=after), tools=[PAGE])
    assert (compared.measures["tools"]["verdict"], compared.measures["tools"]["are_same"]) == (verdict, are_same)


def test_calls_are_the_same_in_any_order() -> None:
    one, two = call('{"a": 1, "b": [2]}'), call('{"team": "x"}', name="other")
    assert same_calls([one, two], [two, call('{"b": [2], "a": 1}')])
    assert not same_calls([one], [one, one])


def test_an_answer_is_better_than_a_call_that_failed() -> None:
    compared = compare(Answer(has_succeeded=False), PLAIN)
    assert (compared.verdict, compared.decided_by) == (BETTER, "outcome")
