"""Calls of tools, as every protocol and many servers of their own mind stream them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import count
from typing import Any

import pytest

from inference.providers.base import (
    ChatMessage,
    ChatRequest,
    FinishReason,
    StreamEvent,
    TextDelta,
    Tool,
    ToolCallDelta,
)
from inference.tests.fake_provider import FakeProvider, Script, as_json
from inference.tests.providers.calls import (
    KEY,
    PATIENT,
    WIRE_PROVIDERS,
    collect,
    collect_failure,
    finished,
    text,
    tool_calls,
)
from inference.tests.providers.test_contract import PEERS
from inference.tests.wire import DIALECTS, Anthropic, Gemini, OpenAI, sse

openai, anthropic, gemini = OpenAI(), Anthropic(), Gemini()
WEATHER = Tool(
    "get_weather",
    "The weather of a city.",
    {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"], "additionalProperties": False},
)
names = (f"tools-{number}" for number in count())


def offering(model: str, *messages: ChatMessage) -> ChatRequest:
    asked = messages or (ChatMessage("user", "What is the weather in Paris?"),)
    return ChatRequest(model, asked, tools=(WEATHER,), timeouts=PATIENT)


def wanted(events: list[StreamEvent]) -> list[tuple[str, Any]]:
    return [(call.name, json.loads(call.arguments)) for call in tool_calls(events)]


@pytest.mark.parametrize("provider", WIRE_PROVIDERS)
async def test_it_streams_text_and_calls(fake: FakeProvider, provider: str) -> None:
    events = await collect(provider, offering("tools"), fake.base_url(provider))
    assert text(events) == "Looking."
    assert wanted(events) == [("get_weather", {"city": "Paris"}), ("get_time", {})]
    assert finished(events).reason is FinishReason.TOOL_CALLS
    ids = [call.id for call in tool_calls(events)]
    assert all(ids) and len(set(ids)) == 2


@pytest.mark.parametrize("provider", sorted(set(PEERS) - {"mistral"}))
async def test_it_makes_a_tool_turn_with_a_peer(provider: str, llmock_url: str) -> None:
    path, model = PEERS[provider]
    question = ChatMessage("user", "What is the weather in Paris?")
    events = await collect(provider, offering(model, question), llmock_url + path)
    (call,) = tool_calls(events)
    assert call.name == "get_weather"
    assert set(json.loads(call.arguments)) == {"city"}
    assert finished(events).reason is FinishReason.TOOL_CALLS

    result = ChatMessage("tool", '{"degrees": 21}', tool_call_id=call.id, tool_name=call.name)
    asked = offering(model, question, ChatMessage("assistant", text(events), tool_calls=(call,)), result)
    events = await collect(provider, asked, llmock_url + path)
    assert text(events)
    assert finished(events).reason is FinishReason.STOP


@dataclass(frozen=True)
class Case:
    name: str
    steps: tuple[bytes, ...]
    calls: list[tuple[str, str]]
    provider: str = "openai"
    ids: tuple[str, ...] = ()


def piece(*calls: dict[str, Any], **more: Any) -> bytes:
    return openai.chunk({"tool_calls": list(calls)}, **more)


def call(arguments: Any, name: str | None = None, **more: Any) -> dict[str, Any]:
    return {**more, "function": {"arguments": arguments} if name is None else {"name": name, "arguments": arguments}}


def block(**fields: Any) -> bytes:
    return anthropic.event("content_block_start", index=0, content_block={"type": "tool_use", **fields})


STOP = openai.chunk({}, finish_reason="stop")
CASES = [
    Case("stop in place of tool_calls", (piece(call("{}", "f", index=0, id="a")), STOP), [("f", "{}")]),
    Case("no finish reason but an end mark", (piece(call("{}", "f", index=0)), sse("[DONE]")), [("f", "{}")]),
    Case(
        "no index and no id",
        (piece(call('{"x"', "f")), piece(call(": 1}")), piece(call("{}", "g")), STOP),
        [("f", '{"x": 1}'), ("g", "{}")],
    ),
    Case(
        "whole calls in one chunk, without index",
        (piece(call("{}", "f", id="a"), call("[]", "g", id="b")), STOP),
        [("f", "{}"), ("g", "[]")],
        ids=("a", "b"),
    ),
    Case(
        "whole calls in one chunk, without index or id",
        (piece(call("{}", "f"), call("{}", "f")), STOP),
        [("f", "{}"), ("f", "{}")],
    ),
    Case(
        "all calls numbered 0",
        (piece(call("{}", "f", index=0, id="a")), piece(call("{}", "f", index=0, id="b")), STOP),
        [("f", "{}"), ("f", "{}")],
        ids=("a", "b"),
    ),
    Case(
        "id and name repeated in each piece",
        (piece(call('{"x"', "f", index=0, id="a")), piece(call(":1}", "f", index=0, id="a")), STOP),
        [("f", '{"x":1}')],
        ids=("a",),
    ),
    Case(
        "ids in place of numbers",
        (piece(call('{"x"', "f", id="a")), piece(call("{}", "g", id="b")), piece(call(":1}", id="a")), STOP),
        [("f", '{"x":1}'), ("g", "{}")],
        ids=("a", "b"),
    ),
    Case(
        "pieces of two calls by turns",
        (
            piece(call("[", "f", index=0, id="a"), call("[", "g", index=1, id="b")),
            piece(call("1]", index=0), call("2]", index=1)),
            STOP,
        ),
        [("f", "[1]"), ("g", "[2]")],
    ),
    Case("numbers that begin at 1", (piece(call("{}", "f", index=1)), STOP), [("f", "{}")]),
    Case("arguments as an object", (piece(call({"x": "é"}, "f", index=0)), STOP), [("f", '{"x": "é"}')]),
    Case("no arguments at all", (piece(call(None, "f", index=0, id="a")), STOP), [("f", "")]),
    Case("a name that comes late", (piece(call("{", index=0)), piece(call("}", "f", index=0)), STOP), [("f", "{}")]),
    Case("a name and an id that are no text", (piece(call("{}", "f", index=0, id=7)), STOP), [("f", "{}")]),
    Case("one call in place of a list", (openai.chunk({"tool_calls": call("{}", "f")}), STOP), [("f", "{}")]),
    Case("nothing in the list", (openai.chunk({"content": "A", "tool_calls": [None, {}]}), STOP), []),
    Case(
        "half a character in each of two pieces",
        (
            b'data: {"choices": [{"delta": {"tool_calls": [{"index": 0, "function": {"name": "f", "arguments":'
            b' "\\ud83d"}}]}}]}\n\n',
            b'data: {"choices": [{"delta": {"tool_calls": [{"index": 0, "function": {"arguments": "\\ude00"}}]}}]}\n\n',
            STOP,
        ),
        [("f", "😀")],
    ),
    Case(
        "the old form of one call",
        (
            openai.chunk({"function_call": {"name": "f", "arguments": ""}}),
            openai.chunk({"function_call": {"arguments": "{}"}}),
            openai.chunk({}, finish_reason="function_call"),
        ),
        [("f", "{}")],
    ),
    Case(
        "a block that begins with its input",
        (block(id="a", name="f", input={"x": 1}),),
        [("f", '{"x": 1}')],
        "anthropic",
    ),
    Case(
        "a block whose input comes twice",
        (
            block(id="a", name="f", input={"x": 1}),
            anthropic.event(
                "content_block_delta", index=0, delta={"type": "input_json_delta", "partial_json": '{"x": 1}'}
            ),
        ),
        [("f", '{"x": 1}')],
        "anthropic",
        ids=("a",),
    ),
    Case("a function call without arguments", tuple(gemini.call(0, "f", ["{}"])), [("f", "{}")], "gemini"),
    Case(
        "calls at once",
        (
            gemini.chunk(
                "",
                candidate={
                    "content": {"parts": [{"functionCall": {"name": "f", "id": "a"}}, {"functionCall": {"name": "f"}}]}
                },
            ),
        ),
        [("f", ""), ("f", "")],
        "gemini",
    ),
]


@pytest.mark.parametrize("case", [pytest.param(case, id=case.name.replace(" ", "-")) for case in CASES])
async def test_it_reads(fake: FakeProvider, case: Case) -> None:
    model = next(names)
    closing = () if case.provider == "openai" else DIALECTS[case.provider].closing(model, 5, "stop")
    fake.script(model, Script((*case.steps, *closing)))

    events = await collect(case.provider, offering(model), fake.base_url(case.provider))

    found = tool_calls(events)
    assert [(one.name, one.arguments) for one in found] == case.calls
    assert finished(events).reason is (FinishReason.TOOL_CALLS if case.calls else FinishReason.STOP)
    assert all(one.id for one in found)
    if case.ids:
        assert tuple(one.id for one in found) == case.ids


@pytest.mark.parametrize("arguments", [5, ["x"], True])
async def test_it_takes_no_arguments_of_another_type_for_text(fake: FakeProvider, arguments: Any) -> None:
    model = next(names)
    fake.script(model, Script((openai.delta("A"), piece(call(arguments, "f", index=0)), STOP)))
    received, error = await collect_failure("openai", offering(model), fake.base_url("openai"))
    assert (text(received), error.kind) == ("A", "stream_broken")


async def test_it_reads_an_answer_that_was_not_streamed(fake: FakeProvider) -> None:
    model = next(names)
    message = {"role": "assistant", "content": None, "tool_calls": [call("{}", "f", id="a", type="function")]}
    choice = {"index": 0, "message": message, "finish_reason": "tool_calls"}
    fake.script(model, as_json({"object": "chat.completion", "choices": [choice], "usage": openai.usage(2)}))
    assert wanted(await collect("openai", offering(model), fake.base_url("openai"))) == [("f", {})]

    message = {"type": "message", "content": [{"type": "tool_use", "id": "a", "name": "f", "input": {"x": 1}}]}
    fake.script(
        model, as_json({**message, "stop_reason": "tool_use", "usage": {"input_tokens": 1, "output_tokens": 2}})
    )
    assert wanted(await collect("anthropic", offering(model), fake.base_url("anthropic"))) == [("f", {"x": 1})]


async def test_it_does_not_repeat_calls_that_come_whole_once_more(fake: FakeProvider) -> None:
    model = next(names)
    message = {"role": "assistant", "content": None, "tool_calls": [call("{}", "f", id="a")]}
    whole = {"object": "chat.completion", "choices": [{"index": 0, "message": message, "finish_reason": "tool_calls"}]}
    fake.script(model, Script((piece(call("{}", "f", index=0, id="a")), sse(whole), sse("[DONE]"))))
    assert wanted(await collect("openai", offering(model), fake.base_url("openai"))) == [("f", {})]


async def test_calls_before_a_filter_are_kept(fake: FakeProvider) -> None:
    model = next(names)
    fake.script(model, Script((piece(call("{}", "f", index=0)), openai.chunk({}, finish_reason="content_filter"))))
    events = await collect("openai", offering(model), fake.base_url("openai"))
    assert (wanted(events), finished(events).reason) == ([("f", {})], FinishReason.CONTENT_FILTER)


async def test_the_sandbox_calls_a_tool_and_then_tells_its_result() -> None:
    tool = Tool("get_weather", "", {"properties": {"city": {"type": "string"}, "days": {"type": "integer"}}})
    question = ChatMessage("user", "Paris")
    asked = ChatRequest("echo", (question,), parameters={"delay_ms": 0}, tools=(tool,))
    events = await collect("echo", asked, None, key=KEY)
    assert wanted(events) == [("get_weather", {"city": "Paris", "days": 1})]
    assert not any(isinstance(event, TextDelta) for event in events)
    assert sum(isinstance(event, ToolCallDelta) for event in events) > 1

    turn = (ChatMessage("assistant", "", tool_calls=tuple(tool_calls(events))), ChatMessage("tool", "21 °C"))
    asked = ChatRequest("echo", (question, *turn), parameters={"delay_ms": 0}, tools=(tool,))
    assert "21 °C" in text(await collect("echo", asked, None, key=KEY))


async def test_the_sandbox_follows_a_schema() -> None:
    schema = {
        "type": "object",
        "properties": {
            "mood": {"enum": ["good", "bad"]},
            "tags": {"type": "array", "items": {"$ref": "#/$defs/tag"}},
            "score": {"type": "number", "minimum": 3},
        },
        "$defs": {"tag": {"type": "string", "maxLength": 2}},
    }
    asked = ChatRequest("echo", (ChatMessage("user", "Hello"),), parameters={"delay_ms": 0}, response_schema=schema)
    answer = json.loads(text(await collect("echo", asked, None, key=KEY)))
    assert answer == {"mood": "good", "tags": ["He"], "score": 3}
