"""Definitions of tools, and answers held against a schema."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from inference.providers.base import Tool
from inference.structured import MOST_PROBLEMS, DefinitionsRefused, Problem, problems_in, schema_from, tools_from

SCHEMA = {
    "type": "object",
    "properties": {
        "city": {"type": "string", "maxLength": 10},
        "days": {"type": "array", "items": {"$ref": "#/$defs/day"}, "uniqueItems": True},
    },
    "required": ["city"],
    "additionalProperties": False,
    "$defs": {"day": {"type": "object", "properties": {"degrees": {"type": "number"}}}},
}


def definition(**function: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": "get_weather", **function}}


def test_it_makes_tools_of_definitions_in_openais_form() -> None:
    parameters = {"type": "object", "properties": {"city": {"type": "string"}}}
    assert tools_from([definition(description="Tells it.", parameters=parameters), definition(name="now")]) == (
        Tool("get_weather", "Tells it.", parameters),
        Tool("now", "", {"type": "object", "properties": {}}),
    )
    assert tools_from([]) == ()


@pytest.mark.parametrize(
    ("definitions", "problem"),
    [
        ([{"name": "f"}], "must have the form"),
        (["f"], "must have the form"),
        ([definition(), definition()], "defined twice"),
        ([definition(parameters={"type": "thing"})], "not a JSON schema"),
        ([definition(parameters=True)], "must be a schema of an object"),
        ([definition(parameters={"type": "string"})], "must be a schema of an object"),
        ([definition(name="no spaces")], "not a name for a tool"),
        ([definition(name="x" * 65)], "not a name for a tool"),
        ([definition(description=5)], "must be text"),
        ([definition(description="x" * 200_000)], "at most 100,000 characters"),
        ([definition(name=f"f{n}") for n in range(200)], "At most 128 tools"),
    ],
)
def test_it_says_what_is_wrong_with_definitions(definitions: list[Any], problem: str) -> None:
    with pytest.raises(DefinitionsRefused, match=problem):
        tools_from(definitions)


def test_it_says_what_is_wrong_with_a_schema() -> None:
    assert schema_from(None) is None
    assert schema_from(SCHEMA) == SCHEMA
    deep: dict[str, Any] = {}
    for _ in range(100):
        deep = {"properties": {"a": deep}}
    values: tuple[Any, ...] = ({"type": "thing"}, [], "text", deep)
    for value in values:
        with pytest.raises(DefinitionsRefused):
            schema_from(value)


def test_an_answer_that_follows_its_schema_has_no_problems() -> None:
    assert problems_in('{"city": "Paris", "days": [{"degrees": 21}, {"degrees": 1.5}]}', SCHEMA) == []


@pytest.mark.parametrize(
    ("answer", "path", "message"),
    [
        ("", "$", "not JSON"),
        ('```json\n{"city": "Paris"}\n```', "$", "not JSON"),
        ("[" * 100_000, "$", "nested too deeply"),
        ('{"city": NaN}', "$", "NaN is no number of JSON"),
        ('"' + "x" * 500_001 + '"', "$", "500,000 characters"),
        ("[]", "$", "is not of type 'object'"),
        ("{}", "$", "'city' is a required property"),
        ('{"city": 5}', "$.city", "5 is not of type 'string'"),
        ('{"city": "Constantinople"}', "$.city", "is too long"),
        ('{"city": "", "days": [{}, {"degrees": "hot"}]}', "$.days[1].degrees", "is not of type 'number'"),
        ('{"city": "", "days": [{}, {}]}', "$.days", "not unique"),
        ('{"city": "", "mood": 1}', "$", "Additional properties are not allowed"),
    ],
)
def test_it_says_where_an_answer_departs_from_its_schema(answer: str, path: str, message: str) -> None:
    (problem,) = problems_in(answer, SCHEMA)
    assert problem.path == path
    assert message in problem.message
    assert len(problem.message) <= 300


def test_it_stops_after_some_problems() -> None:
    assert len(problems_in(json.dumps(["x"] * 1000), {"items": {"type": "number"}})) == MOST_PROBLEMS


def test_a_schema_reaches_nothing_outside_of_it() -> None:
    (problem,) = problems_in("{}", {"$ref": "http://127.0.0.1:1/schema.json"})
    assert "something outside" in problem.message


def doubling(levels: int) -> dict[str, Any]:
    defs = {f"d{n}": {"allOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(levels)}
    return {"$ref": "#/$defs/d0", "$defs": {**defs, f"d{levels}": {"type": "string"}}}


@pytest.mark.parametrize(
    ("answer", "schema"),
    [
        ('"' + "a" * 40 + '!"', {"pattern": "^(a+)+$"}),
        (json.dumps({"a" * 40 + "!": 1}), {"patternProperties": {"^(a+)+$": True}, "additionalProperties": False}),
        ('"x"', doubling(40)),
        ("1", doubling(40)),
        ("{}", {"$ref": "#"}),
        ("{}", {"allOf": [{"$ref": "#"}, {"$ref": "#"}]}),
        (json.dumps([{"n": n} for n in range(20_000)]), {"uniqueItems": True}),
        (json.dumps(list(range(60_000))), {"items": {"enum": list(range(20_000, 40_000))}}),
        (json.dumps([["x" * 400_000]]), {"anyOf": [{"items": {"type": "number"}}] * 5_000}),
        (json.dumps([1] * 150_000), {"allOf": [{"items": {}}] * 10_000}),
    ],
)
def test_no_schema_takes_for_ever(answer: str, schema: dict[str, Any]) -> None:
    started = time.process_time()
    problems = problems_in(answer, schema)
    assert time.process_time() - started < 15
    assert all(isinstance(problem, Problem) for problem in problems)


@pytest.mark.parametrize("schema", [{"properties": 5}, {"items": 5}, {"minimum": "x"}, {"$ref": 5}, {"type": "thing"}])
def test_a_schema_that_is_none_is_a_problem_and_no_exception(schema: dict[str, Any]) -> None:
    for answer in ("{}", "[1]", "5"):
        assert isinstance(problems_in(answer, schema), list)
