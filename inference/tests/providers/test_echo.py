"""The sandbox answers usefully, at the pace and length one asks for."""

from __future__ import annotations

import time

import pytest

from inference.providers.base import ChatMessage, ChatRequest, ReasoningDelta, TextDelta
from inference.providers.registry import get_adapter
from inference.rendering.markdown import render
from inference.tests.providers.calls import collect, text, usage


def asked(said: str, **parameters: int) -> ChatRequest:
    return ChatRequest("echo", (ChatMessage("user", said),), parameters={"delay_ms": 0, **parameters})


async def test_it_quotes_what_was_said_in_a_code_block() -> None:
    answer = text(await collect("echo", asked("What is\n2 + 2?"), None, key=""))
    assert "```text\nWhat is\n2 + 2?\n```" in answer
    assert "sandbox" in answer


async def test_it_fences_code_that_holds_fences() -> None:
    answer = text(await collect("echo", asked("```py\nx\n```"), None, key=""))
    assert "````text\n```py\nx\n```\n````" in answer


async def test_it_says_the_same_twice() -> None:
    first = await collect("echo", asked("Hi"), None, key="")
    assert first == await collect("echo", asked("Hi"), None, key="")


@pytest.mark.parametrize("length", [1, 5, 500])
async def test_it_is_as_long_as_one_asks(length: int) -> None:
    events = await collect("echo", asked("Hi", length=length), None, key="")
    assert sum(isinstance(event, TextDelta) for event in events) == length
    assert usage(events).output == length


async def test_it_waits_between_words() -> None:
    started = time.monotonic()
    await collect("echo", asked("Hi", delay_ms=30, length=10), None, key="")
    assert time.monotonic() - started >= 0.3


async def test_it_needs_no_key() -> None:
    await get_adapter("echo").check(api_key="", base_url=None)


async def test_it_shows_what_an_answer_can_show() -> None:
    events = await collect("echo", asked("Show me what an answer can look like."), None, key="")
    html = render(text(events))

    for shown in ("<h2", "<table>", "<math", 'class="highlight"', 'class="task done"', "<ol", "<blockquote"):
        assert shown in html
    assert any(isinstance(event, ReasoningDelta) for event in events)
