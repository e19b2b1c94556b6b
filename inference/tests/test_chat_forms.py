from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import pytest

from inference.chat.forms import RunForm

CLIENT_ID = "6a1f4bb2-8f0f-4d0b-9f4f-3f2f2d9d3c11"


def message(**changes: Any) -> RunForm:
    sent: dict[str, object] = {
        "type": "run",
        "text": "Hello",
        "parent": "",
        "provider": "openai",
        "model": "gpt-4o",
        "system": "",
        "client_id": CLIENT_ID,
        "HEADERS": {"HX-Request": "true"},
    }
    return RunForm(sent | changes)


def errors(**changes: Any) -> dict[str, list[str]]:
    found = message(**changes).errors.get_json_data()
    return {field: [error["message"] for error in errors] for field, errors in found.items()}


def test_it_turns_a_message_into_a_run() -> None:
    form = message(parent="12", system="Be brief.")
    assert form.is_valid()
    run = form.to_request()
    assert (run.text, run.parent_id, run.client_id, run.system) == ("Hello", 12, UUID(CLIENT_ID), "Be brief.")


def test_it_keeps_the_white_space_of_a_message() -> None:
    form = message(text="  indented\n")
    assert form.is_valid()
    assert form.to_request().text == "  indented\n"


def test_it_asks_again_without_a_text() -> None:
    form = message(type="again", text="", parent="12")
    assert form.is_valid()
    assert form.to_request().text is None


@pytest.mark.parametrize("text", ["", " \n "])
def test_it_refuses_a_message_that_says_nothing(text: str) -> None:
    assert errors(text=text) == {"text": ["Write a message first."]}


def test_it_passes_on_the_parameters_that_are_set() -> None:
    form = message(**{"param-temperature": "0.5", "param-seed": "7", "param-top_p": "", "param-stop": "END\n\\n\\n"})
    assert form.is_valid(), form.errors
    assert form.to_request().parameters == {"temperature": 0.5, "seed": 7, "stop": ["END", "\n\n"]}


@pytest.mark.parametrize("value", ["2.5", "-1", "warm", "nan", "inf"])
def test_it_names_the_range_of_a_parameter(value: str) -> None:
    assert errors(**{"param-temperature": value}) == {
        "param-temperature": ["Temperature must be a number from 0 to 2."]
    }


def test_it_writes_large_bounds_in_full() -> None:
    assert errors(**{"param-max_tokens": "0"}) == {
        "param-max_tokens": ["Max tokens must be a whole number from 1 to 1,000,000."]
    }


def test_it_refuses_a_parameter_that_the_model_does_not_take() -> None:
    assert errors(**{"param-delay_ms": "5"}) == {"__all__": ["gpt-4o does not take “delay_ms”."]}


def test_it_overlooks_an_empty_parameter_of_another_model() -> None:
    assert errors(**{"param-delay_ms": ""}) == {}


@pytest.mark.parametrize("provider", ["", "nobody", "__class__"])
def test_it_refuses_a_provider_that_does_not_exist(provider: str) -> None:
    assert errors(provider=provider) == {"provider": ["Choose a model first."]}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("text", "x" * 200_001),
        ("system", "x" * 50_001),
        ("model", "x" * 201),
        ("parent", "-1"),
        ("parent", str(2**63)),
        ("client_id", "me"),
        ("prompt", "triage"),
        ("prompt_version", "0"),
        ("param-stop", "\n".join("abcdefghijklmnopq")),
        ("param-stop", "x" * 501),
    ],
)
def test_it_refuses_what_is_out_of_bounds(field: str, value: str) -> None:
    assert list(errors(**{field: value})) == [field]


def test_it_wants_a_version_with_a_prompt() -> None:
    assert list(errors(prompt=CLIENT_ID)) == ["prompt"]


@pytest.mark.parametrize("value", [None, [], {}, ["gpt-4o"], {"a": 1}, True, 5, 1.5])
@pytest.mark.parametrize(
    "field", ["type", "text", "parent", "provider", "model", "system", "client_id", "prompt", "param-seed"]
)
def test_it_survives_values_of_any_type(field: str, value: object) -> None:
    form = message(**{field: value})
    if form.is_valid():
        assert form.to_request().provider == "openai"


def test_it_replaces_what_no_database_can_store() -> None:
    form = message(text=json.loads('"a\\ud800b\\u0000c"'))
    assert form.is_valid()
    assert form.to_request().text == "a\ufffdb\ufffdc"
