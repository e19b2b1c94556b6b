from __future__ import annotations

from typing import Any

import pytest

from prompts.drafts import Draft, Variable
from prompts.pages.editor import Editor, Message, editor_of, sent_editor

SAID = [Message("system", "a"), Message("user", "b"), Message("user", "c")]


def contents(editor: Editor) -> str:
    return "".join(message.content for message in editor.messages)


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        ("up:1", "bac"), ("up:0", "abc"), ("down:1", "acb"), ("down:2", "abc"), ("remove:1", "ac"),
        ("remove:3", "abc"), ("remove:x", "abc"), ("up:²", "abc"), ("remove:" + "9" * 5000, "abc"), ("", "abc"),
        ("nonsense:1", "abc"),
    ],
)  # fmt: skip
def test_it_moves_and_removes_messages(step: str, expected: str) -> None:
    editor = Editor(True, messages=[*SAID])
    editor.take(step)
    assert contents(editor) == expected


@pytest.mark.parametrize(("step", "role"), [("add:message", "user"), ("add:placeholder", "placeholder")])
def test_it_adds_messages(step: str, role: str) -> None:
    editor = Editor(True, messages=[*SAID])
    editor.take(step)
    assert editor.messages[3:] == [Message(role)]


def test_its_type_changes_and_the_text_stays() -> None:
    editor = Editor(False, text="Hello")
    editor.take("type:chat")
    assert editor.messages == [Message("system", "Hello")] and editor.is_chat
    editor.take("type:text")
    assert (editor.text, editor.is_chat) == ("Hello", False)


def test_it_lists_variables_as_they_are_used_then_the_others() -> None:
    editor = Editor(False, text="{{b}} {{a}}", variables=[Variable("c", default="1"), Variable("a", sample="2")])
    editor.follow_text()
    assert editor.variables == [Variable("b"), Variable("a", sample="2"), Variable("c", default="1")]


def test_half_typed_names_leave_no_rows() -> None:
    editor = Editor(False, text="{{name}}", variables=[Variable("n"), Variable("nam")])
    editor.follow_text()
    assert editor.variables == [Variable("name")]


def test_unused_variables_of_the_version_stay_until_they_are_removed() -> None:
    base = Draft("{{a}}", (Variable("a"),))
    sent = {"text": "", "variable-0-name": "a", "variable-0-type": "text"}
    editor = sent_editor(sent, is_chat=False, base=base)
    editor.follow_text()
    assert editor.variables == [Variable("a")]
    editor.take("forget:a")
    editor.follow_text()
    assert editor.variables == []


def test_it_keeps_what_programs_have_added_to_messages() -> None:
    more = {"name": "ada", "tool_calls": [{"id": "1", "text": "a\r\nb"}]}
    body: list[dict[str, Any]] = [
        {"type": "chatmessage", "role": "assistant", "content": "b", **more},
        {"type": "placeholder", "name": "h"},
    ]
    editor = editor_of(Draft(body))
    sent = {"message-0-role": "assistant", "message-0-content": "b", "message-0-more": editor.messages[0].more_as_json}
    sent |= {"message-1-role": "placeholder", "message-1-content": "h"}
    assert editor.body == body == sent_editor(sent, is_chat=True, base=None).body
    editor.take("down:0")
    assert editor.body == body[::-1]


@pytest.mark.parametrize("more", ["{", "[1]", '"a"', '{"a": NaN}', "[" * 100_000, '{"role": "king", "content": 1}'])
def test_nothing_else_comes_into_a_message(more: str) -> None:
    sent = {"message-0-role": "user", "message-0-content": "b", "message-0-more": more}
    body = sent_editor(sent, is_chat=True, base=None).body
    assert body == [{"type": "chatmessage", "role": "user", "content": "b"}]


def test_it_names_what_is_a_placeholder_and_a_variable() -> None:
    editor = Editor(True, messages=[Message("placeholder", "x"), Message("user", "{{x}} {{y}}")])
    assert editor.clashing == ["x"]


def test_it_holds_a_stored_version_as_it_is() -> None:
    body = [{"type": "chatmessage", "role": "user", "content": "{{a}}"}, {"type": "placeholder", "name": "h"}]
    editor = editor_of(Draft(body, (Variable("a", "choice", "x", "y", ("x", "y")),)))
    assert (editor.body, editor.variables) == (body, [Variable("a", "choice", "x", "y", ("x", "y"))])
