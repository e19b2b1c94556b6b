"""What a panel asks, filled in; and what is said where it cannot be."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.models import User
from inference.playground.models import Panel, Playground
from inference.playground.requests import PanelIncomplete, request_of, used_names
from inference.providers.base import Attachment, ChatMessage, ToolCall
from prompts.drafts import Draft
from prompts.services import create_prompt

pytestmark = pytest.mark.django_db


# Half of a character, as JSON can write it.
HALF = '[{"role": "user", "content": "\\ud800"}]'


def message(role: str, content: str, **more: Any) -> dict[str, Any]:
    return {"type": "chatmessage", "role": role, "content": content, **more}


def panel(*body: dict[str, Any], **values: Any) -> Panel:
    return Panel(body=list(body), provider="echo", model="echo", **values)


def test_it_fills_in_variables_and_placeholders(playground: Playground, alice: User) -> None:
    history = '[{"role": "user", "content": "Hi {{topic}}"}, {"role": "assistant", "content": "Hello"}]'
    request = request_of(playground.panels.all()[0], {**playground.values, "history": history}, reader=alice)

    assert request.system == "Reply in German."
    # A value is put in as it is, whatever it looks like.
    said = [("user", "Hi tides"), ("assistant", "Hello"), ("user", "Explain tides.")]
    assert [(one.role, one.text) for one in request.messages] == [("user", "Hi {{topic}}"), *said[1:]]
    assert request.parameters == {"delay_ms": 0, "length": 10}


def test_it_takes_defaults_and_includes(alice: User) -> None:
    create_prompt(owner=alice, name="style", type="text", draft=Draft("Be {{tone}}."), labels=["production"])
    asked = panel(
        message("system", "@@@langfusePrompt:name=style|label=production@@@"),
        message("user", "Hi"),
        variables=[{"name": "tone", "type": "text", "default": "kind", "sample": "", "choices": []}],
    )
    assert used_names([asked], alice) == (["tone"], [])
    assert request_of(asked, {}, reader=alice).system == "Be kind."
    assert request_of(asked, {"tone": "brief"}, reader=alice).system == "Be brief."


def test_it_takes_tool_turns_and_tools(alice: User) -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "page", "arguments": "{}"}}
    tool = {"type": "function", "function": {"name": "page", "description": "Pages somebody"}}
    asked = panel(
        message("user", "Help"),
        message("assistant", "", tool_calls=[call]),
        message("tool", "paged", tool_call_id="c1", name="page"),
        tools=[tool],
        response_schema={"type": "object"},
    )
    request = request_of(asked, {}, reader=alice)
    assert request.messages == (
        ChatMessage("user", "Help"),
        ChatMessage("assistant", "", tool_calls=(ToolCall("c1", "page", "{}"),)),
        ChatMessage("tool", "paged", tool_call_id="c1", tool_name="page"),
    )
    assert [tool.name for tool in request.tools] == ["page"]
    assert request.response_schema == {"type": "object"}


def test_files_alone_are_a_message(alice: User) -> None:
    chart = Attachment("0" * 64, "chart.png", "image/png", b"")
    asked = request_of(panel(message("user", "Hi"), message("user", "")), {}, reader=alice, files=[chart])
    assert [(one.text, one.attachments) for one in asked.messages] == [("Hi", ()), ("", (chart,))]


@pytest.mark.parametrize(
    ("asked", "values", "said"),
    [
        (Panel(body=[message("user", "Hi")]), {}, "Choose a model first."),
        (panel(), {}, "Add a user message first."),
        (panel(message("user", "  ")), {}, "Add a user message first."),
        (panel(message("user", "Hi"), message("tool", "paged")), {}, "answers no call"),
        (panel(message("user", "{{a}} {{b}}")), {"a": "x"}, "Fill in b under Variables first."),
        (panel(message("user", "@@@langfusePrompt:name=gone|version=1@@@")), {}, "gone"),
        (panel(message("user", "Hi"), {"type": "placeholder", "name": "past"}), {"past": "{"}, "“past” is not JSON."),
        (panel(message("user", "Hi"), {"type": "placeholder", "name": "past"}), {"past": "[1]"}, "“past” must be"),
        (panel(message("user", "Hi"), {"type": "placeholder", "name": "past"}), {"past": HALF}, "half of a surrogate"),
    ],
)
def test_it_says_what_a_panel_lacks(asked: Panel, values: dict[str, str], said: str, alice: User) -> None:
    with pytest.raises(PanelIncomplete, match=said):
        request_of(asked, values, reader=alice)
