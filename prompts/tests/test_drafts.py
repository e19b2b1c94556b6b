from __future__ import annotations

from functools import reduce
from typing import Any

import pytest

from prompts.drafts import MOST_CHARACTERS, Draft, DraftRefused, Variable, check

USER = {"type": "chatmessage", "role": "user", "content": "Hi {{name}}"}
HISTORY = {"type": "placeholder", "name": "history"}
DEEP: dict[str, Any] = reduce(lambda inner, _: {"a": inner}, range(70), {})
TOOL = {"type": "function", "function": {"name": "look_up", "parameters": {"type": "object"}}}


def errors_of(draft: Draft) -> list[tuple[str, str]]:
    with pytest.raises(DraftRefused) as refused:
        check(draft)
    return refused.value.errors


@pytest.mark.parametrize(
    "draft",
    [
        Draft("Hi {{name}}", (Variable("name"),)),
        Draft([USER, HISTORY]),
        Draft([USER], tools=[TOOL], response_schema={"type": "object"}, config={"a": [1]}),
        Draft("Pick {{one}}", (Variable("one", "choice", choices=("a", "b")),)),
    ],
)
def test_it_accepts(draft: Draft) -> None:
    check(draft)


@pytest.mark.parametrize(
    ("draft", "field", "text"),
    [
        (Draft(" \n"), "body", "empty"),
        (Draft([]), "body", "at least one message"),
        (Draft("a\0b"), "body", "U+0000"),
        (Draft([{**USER, "content": "half \ud800"}]), "body", "surrogate"),
        (Draft("a", (Variable("a", sample="\0"),)), "variables", "U+0000"),
        (Draft("a", config={"a": float("nan")}), "config", "or is none"),
        (Draft("a", parameters={"seed": 2**64}), "parameters", "too large"),
        (Draft("a", config=DEEP), "config", "levels deep"),
        (Draft("".join(f"{{{{v{n}}}}}" for n in range(501))), "variables", "at most 500 variables"),
        (Draft([{**USER, "role": "robot"}]), "body", "Message 1: the role must be one of system"),
        (Draft([USER, {**USER, "content": 5}]), "body", "Message 2: the content must be text"),
        (Draft([{"type": "image"}]), "body", "chatmessage or placeholder"),
        (Draft([{"type": "placeholder", "name": "a b"}]), "body", "a placeholder needs a name"),
        (Draft([USER] * 501), "body", "at most 500 messages"),
        (Draft("{{a", ()), "body", "not closed"),
        (Draft("a", (Variable("a"), Variable("a"))), "variables", "defined twice"),
        (Draft([USER, {**HISTORY, "name": "name"}]), "variables", "both a placeholder and a variable"),
        (Draft("a", (Variable("a b"),)), "variables", "not a name"),
        (Draft("a", (Variable("a", "date"),)), "variables", "The type of “a”"),
        (Draft("a", (Variable("a", "choice"),)), "variables", "needs choices"),
        (Draft("a", tools=[{"name": "x"}]), "tools", "Tool 1 must have the form"),
        (Draft("a", tools=[TOOL, TOOL]), "tools", "defined twice"),
        (
            Draft("a", tools=[{"function": {"name": "x", "parameters": {"type": "objekt"}}}]),
            "tools",
            "parameters of “x” are not a JSON schema",
        ),
        (Draft("a", response_schema={"type": 5}), "response_schema", "not a JSON schema"),
        (Draft("a", response_schema={"pattern": "a{99999999999999999999}"}), "response_schema", "a pattern in it"),
        (Draft("a", response_schema={"pattern": "(" * 5000 + ")" * 5000}), "response_schema", "a pattern in it"),
        (Draft("a", response_schema={"enum": ["x" * 100_000]}), "response_schema", "at most 100,000 characters"),
        (Draft("a", tools=[{**TOOL, "more": "x" * 100_000}]), "tools", "at most 100,000 characters"),
    ],
)
def test_it_names_the_field_of(draft: Draft, field: str, text: str) -> None:
    (name, sentence), *_ = errors_of(draft)
    assert name == field
    assert text in sentence


def test_it_tells_everything_that_is_wrong_at_once() -> None:
    bad: dict[str, Any] = {"type": 5}
    assert {name for name, _ in errors_of(Draft("{{a", (Variable("a b"),), response_schema=bad))} == {
        "body",
        "variables",
        "response_schema",
    }


def test_it_refuses_what_is_too_large_by_a_code_of_its_own() -> None:
    with pytest.raises(DraftRefused) as refused:
        check(Draft("a" * MOST_CHARACTERS))
    assert refused.value.code == "prompt_too_large"


def test_it_knows_what_its_texts_use() -> None:
    draft = Draft([USER, HISTORY, {**USER, "content": "{{name}} {{other}} @@@langfusePrompt:name=a|version=1@@@"}])
    assert draft.used_variables == ["name", "other"]
    assert draft.placeholders == ["history"]
    assert [str(include) for include in draft.includes] == ["a (v1)"]
