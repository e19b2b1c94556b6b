"""Finding what the variables of a prompt were filled with."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.backtests.recovery import NotRecovered, recover, values_in
from prompts.templating import fill, variables_in
from telemetry.context import SentMessage


def say(role: str, content: str) -> dict[str, str]:
    return {"type": "chatmessage", "role": role, "content": content}


def sent(*messages: tuple[str, str]) -> list[SentMessage]:
    return [SentMessage(*message) for message in messages]


@pytest.mark.parametrize(
    ("template", "text", "values"),
    [
        ("Sort {{ticket}}", "Sort a fire", {"ticket": "a fire"}),
        ("{{a}}, {{b}}.", "one, two.", {"a": "one", "b": "two"}),
        ("Sort {{ticket}}", "Sort ", {"ticket": ""}),
        ("{{ a }} and {{a}}", "x and x", {"a": "x"}),
        ("{{a}} and {{a}}", "x and y", None),
        ("Sort {{ticket}}", "Drop it", None),
        ("Hi", "Hi", {}),
        ("Hi", "Hi!", None),
        ("Sort {{ticket}}\n", "Sort it", {"ticket": "it"}),
        ("ab{{a}}bc", "abc", None),
    ],
)
def test_values_of_a_text(template: str, text: str, values: dict[str, str] | None) -> None:
    assert values_in(template, text) == values


@pytest.mark.parametrize(
    ("template", "text"), [("{{a}}{{b}}", "xy"), ("{{a}}, {{b}}", "one, two, three"), ("{{a}} {{b}}", "a b c")]
)
def test_several_ways_are_refused(template: str, text: str) -> None:
    with pytest.raises(NotRecovered, match="told apart"):
        values_in(template, text)


@given(st.lists(st.sampled_from(["{{a}}", "{{b}}", " ", "-", "x", "a: "]), max_size=6).map("".join), st.data())
def test_what_is_found_fills_the_template_again(template: str, data: st.DataObject) -> None:
    """And it is what the text was made with, since it is refused where that is not the only way."""
    values = {name: data.draw(st.text("ab -x", max_size=5)) for name in variables_in(template)}
    try:
        found = values_in(template, fill(template, values))
    except NotRecovered:
        return
    assert found == values


def test_messages_of_a_conversation_around_the_prompt_are_kept() -> None:
    body = [say("system", "Be {{tone}}."), say("user", "Sort {{ticket}}")]
    found = recover(
        body,
        sent(
            ("system", "Be kind."),
            ("user", "Hello"),
            ("assistant", "Hi"),
            ("user", "Sort it"),
            ("assistant", "Sorted"),
            ("user", "Thanks"),
        ),
    )
    assert found.values == {"tone": "kind", "ticket": "it"} and found.has_system
    assert [[message.text for message in part] for part in (found.before, found.own, found.after)] == [
        ["Hello", "Hi"],
        ["Sort it"],
        ["Sorted", "Thanks"],
    ]


def test_a_placeholder_stands_for_what_is_between() -> None:
    body: list[dict[str, Any]] = [say("user", "A {{x}}"), {"type": "placeholder", "name": "history"}, say("user", "B")]
    found = recover(body, sent(("user", "A 1"), ("assistant", "2"), ("user", "3"), ("user", "B")))
    assert found.values == {"x": "1"}
    assert [message.text for message in found.placeholders["history"]] == ["2", "3"]


def test_a_variable_has_one_value_in_all_messages() -> None:
    body = [say("system", "About {{topic}}"), say("user", "Explain {{topic}}")]
    with pytest.raises(NotRecovered):
        recover(body, sent(("system", "About tides"), ("user", "Explain rain")))


@pytest.mark.parametrize(
    ("body", "messages", "reason"),
    [
        ("Sort {{x}}", [("user", "Drop it")], "not those of the version"),
        ("Sort {{x}}", [("assistant", "Sort it")], "not those of the version"),
        ("Sort {{x}}", [("user", "Sort a"), ("assistant", "ok"), ("user", "Sort b")], "more than once"),
        ([say("system", "Be kind"), say("user", "Hi")], [("user", "Hi")], "system prompt"),
    ],
)
def test_what_does_not_fit_is_refused_with_a_reason(body: Any, messages: list[tuple[str, str]], reason: str) -> None:
    with pytest.raises(NotRecovered, match=reason):
        recover(body, sent(*messages))


def test_a_system_prompt_that_is_not_of_the_prompt_stays() -> None:
    found = recover("Sort {{x}}", sent(("system", "Mine"), ("user", "Sort it")))
    assert not found.has_system
