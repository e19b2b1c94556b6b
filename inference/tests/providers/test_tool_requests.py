"""What goes out on the wire where tools are offered, calls were answered, or a schema is to be followed."""

from __future__ import annotations

import json
from itertools import count
from typing import Any

import pytest

from accounts.providers import PROVIDERS
from inference.providers.base import Abilities, ChatMessage, ChatRequest, Tool, ToolCall
from inference.providers.options import is_strict
from inference.providers.registry import get_adapter
from inference.tests.fake_provider import FakeProvider
from inference.tests.providers.calls import PATIENT, collect, tool_calls

CITY = {"type": "object", "properties": {"city": {"type": "string"}}}
WEATHER = Tool("get_weather", "The weather of a city.", CITY)
PARIS = ToolCall("call_1", "get_weather", '{"city": "Paris"}')
LOST = ToolCall("call_2", "get_weather", '{"city')
TURN = (
    ChatMessage("user", "Paris?"),
    ChatMessage("assistant", "Looking.", tool_calls=(PARIS, LOST)),
    ChatMessage("tool", '{"degrees": 21}', tool_call_id="call_1", tool_name="get_weather"),
    ChatMessage("tool", "No such city.", tool_call_id="call_2", tool_name="get_weather"),
    ChatMessage("user", "Thanks."),
)
SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": False}
LOOSE = {"type": "object", "properties": {"a": {"type": "string"}}}
models = (f"requests-{number}" for number in count())


async def sent(fake: FakeProvider, provider: str, *, model: str = "", **asked: Any) -> Any:
    model = model or next(models)
    request = ChatRequest(model, **{"messages": TURN, "timeouts": PATIENT, **asked})
    await collect(provider, request, fake.base_url(provider))
    return fake.last(model).body


def openai_turn(first: str, second: str) -> list[dict[str, Any]]:
    calls = [
        {"id": first, "type": "function", "function": {"name": "get_weather", "arguments": '{"city": "Paris"}'}},
        {"id": second, "type": "function", "function": {"name": "get_weather", "arguments": '{"city'}},
    ]
    return [
        {"role": "user", "content": "Paris?"},
        {"role": "assistant", "content": "Looking.", "tool_calls": calls},
        {"role": "tool", "tool_call_id": first, "content": '{"degrees": 21}'},
        {"role": "tool", "tool_call_id": second, "content": "No such city."},
        {"role": "user", "content": "Thanks."},
    ]


@pytest.mark.parametrize("provider", ["openai", "groq", "huggingface"])
async def test_it_sends_tools_calls_and_results_in_openais_form(fake: FakeProvider, provider: str) -> None:
    body = await sent(fake, provider, tools=(WEATHER,))
    function = {"name": "get_weather", "description": "The weather of a city.", "parameters": CITY}
    assert body["tools"] == [{"type": "function", "function": function}]
    assert body["messages"] == openai_turn("call_1", "call_2")


async def test_it_gives_mistral_ids_that_it_takes(fake: FakeProvider) -> None:
    messages = (await sent(fake, "mistral"))["messages"]
    first, second = (call["id"] for call in messages[1]["tool_calls"])
    assert [len(first), len(second), first == second] == [9, 9, False]
    assert messages == openai_turn(first, second)


async def test_it_shortens_an_id_that_is_too_long_in_call_and_result_alike(fake: FakeProvider) -> None:
    call_id = "x" * 65
    turn = (
        ChatMessage("user", "Hi"),
        ChatMessage("assistant", "", tool_calls=(ToolCall(call_id, "f", ""),)),
        ChatMessage("tool", "Done.", tool_call_id=call_id, tool_name="f"),
    )
    _, assistant, result = (await sent(fake, "openai", messages=turn))["messages"]
    (call,) = assistant["tool_calls"]
    assert call["id"] == result["tool_call_id"] != call_id
    assert (assistant["content"], call["function"]) == (None, {"name": "f", "arguments": "{}"})


async def test_it_sends_tools_calls_and_results_in_anthropics_form(fake: FakeProvider) -> None:
    body = await sent(fake, "anthropic", tools=(WEATHER,))
    assert body["tools"] == [{"name": "get_weather", "description": "The weather of a city.", "input_schema": CITY}]
    assert body["messages"] == [
        {"role": "user", "content": "Paris?"},
        {
            "role": "assistant",
            "content": [
                {"type": "text", "text": "Looking."},
                {"type": "tool_use", "id": "call_1", "name": "get_weather", "input": {"city": "Paris"}},
                {"type": "tool_use", "id": "call_2", "name": "get_weather", "input": {"arguments": '{"city'}},
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "call_1", "content": '{"degrees": 21}'},
                {"type": "tool_result", "tool_use_id": "call_2", "content": "No such city."},
            ],
        },
        {"role": "user", "content": "Thanks."},
    ]


async def test_it_sends_tools_calls_and_results_in_geminis_form(fake: FakeProvider) -> None:
    body = await sent(fake, "gemini", tools=(WEATHER,))
    (tool,) = body["tools"]
    (declared,) = tool["functionDeclarations"]
    assert declared["name"] == "get_weather"
    assert declared["parameters_json_schema"] == CITY
    lost = {"id": "call_2", "name": "get_weather", "args": {"arguments": '{"city'}}
    assert body["contents"] == [
        {"role": "user", "parts": [{"text": "Paris?"}]},
        {
            "role": "model",
            "parts": [
                {"text": "Looking."},
                {"functionCall": {"id": "call_1", "name": "get_weather", "args": {"city": "Paris"}}},
                {"functionCall": lost},
            ],
        },
        {
            "role": "user",
            "parts": [
                {"functionResponse": {"id": "call_1", "name": "get_weather", "response": {"degrees": 21}}},
                {"functionResponse": {"id": "call_2", "name": "get_weather", "response": {"result": "No such city."}}},
            ],
        },
        {"role": "user", "parts": [{"text": "Thanks."}]},
    ]


def answered(calls: list[ToolCall]) -> tuple[ChatMessage, ...]:
    results = (ChatMessage("tool", "Done.", tool_call_id=call.id, tool_name=call.name) for call in calls)
    return (ChatMessage("user", "Hi"), ChatMessage("assistant", "", tool_calls=tuple(calls)), *results)


async def test_it_gives_gemini_the_signature_of_its_thoughts_back(fake: FakeProvider) -> None:
    calls = tool_calls(await collect("gemini", ChatRequest("tools", TURN, timeouts=PATIENT), fake.base_url("gemini")))
    body = await sent(fake, "gemini", model="gemini-3-pro", messages=answered(calls))
    assert [part.get("thoughtSignature") for part in body["contents"][1]["parts"]] == ["c2lnbmVk", None]


async def test_it_tells_gemini_3_that_another_model_has_made_a_call(fake: FakeProvider) -> None:
    foreign = ToolCall("a", "f", "{}", 'anthropic:[{"type": "thinking"}]')
    body = await sent(fake, "gemini", model="gemini-3-flash", messages=answered([foreign]))
    (part,) = body["contents"][1]["parts"]
    assert part["thoughtSignature"]
    body = await sent(fake, "gemini", model="gemini-2.5-flash", messages=answered([foreign]))
    (part,) = body["contents"][1]["parts"]
    assert "thoughtSignature" not in part


async def test_it_gives_anthropic_signed_thoughts_back_before_the_call_that_followed_them(fake: FakeProvider) -> None:
    thought = {"type": "thinking", "thinking": "Hm.", "signature": "c2ln"}
    redacted = {"type": "redacted_thinking", "data": "eHh4"}
    calls = [
        ToolCall("a", "f", "{}", "anthropic:" + json.dumps([thought, redacted])),
        ToolCall("b", "f", "{}", "gemini:c2ln"),
    ]
    content = (await sent(fake, "anthropic", messages=answered(calls)))["messages"][1]["content"]
    assert [block["type"] for block in content] == ["thinking", "redacted_thinking", "tool_use", "tool_use"]
    assert content[:2] == [thought, redacted]


@pytest.mark.parametrize(("schema", "is_within"), [(SCHEMA, True), (LOOSE, False)])
@pytest.mark.parametrize("provider", ["openai", "groq", "huggingface", "mistral"])
async def test_it_sends_a_schema_in_openais_form(
    fake: FakeProvider, provider: str, schema: dict[str, Any], is_within: bool
) -> None:
    body = await sent(fake, provider, response_schema=schema)
    named = {"name": "answer", "schema": schema, "strict": is_within}
    assert body["response_format"] == {"type": "json_schema", "json_schema": named}


async def test_it_does_not_let_groq_stream_what_follows_a_schema(fake: FakeProvider) -> None:
    body = await sent(fake, "groq", response_schema=SCHEMA)
    assert (body["stream"], "stream_options" in body) == (False, False)


async def test_it_sends_a_schema_in_anthropics_form(fake: FakeProvider) -> None:
    body = await sent(fake, "anthropic", response_schema=SCHEMA, parameters={"effort": "low"})
    assert body["output_config"] == {"effort": "low", "format": {"type": "json_schema", "schema": SCHEMA}}


async def test_it_sends_a_schema_in_geminis_form(fake: FakeProvider) -> None:
    config = (await sent(fake, "gemini", response_schema=SCHEMA))["generationConfig"]
    assert (config["responseMimeType"], config["responseJsonSchema"]) == ("application/json", SCHEMA)


@pytest.mark.parametrize(
    ("schema", "is_within"),
    [
        (SCHEMA, True),
        ({**SCHEMA, "properties": {"a": {"anyOf": [{"type": "string"}, {"type": "null"}]}}}, True),
        ({**SCHEMA, "properties": {"a": {"type": "array", "items": SCHEMA}}}, True),
        ({**SCHEMA, "properties": {"a": {"type": "array", "items": LOOSE}}}, False),
        ({**SCHEMA, "properties": {"a": {"allOf": [SCHEMA]}}}, False),
        ({**SCHEMA, "required": []}, False),
        ({**SCHEMA, "$defs": {"b": LOOSE}}, False),
        ({"anyOf": [SCHEMA]}, False),
        ({"type": "array", "items": SCHEMA}, False),
        (True, False),
    ],
)
def test_it_is_strict_where_the_schema_allows_it(schema: Any, is_within: bool) -> None:
    assert is_strict(schema) is is_within


@pytest.mark.parametrize("provider", sorted(PROVIDERS))
@pytest.mark.parametrize(
    "model", ["", "gpt-4o", "claude-opus-5", "gemini-3-pro", "mistral-large-latest", "gpt-oss-20b"]
)
def test_every_adapter_offers_tools(provider: str, model: str) -> None:
    assert get_adapter(provider).abilities(model).tools


@pytest.mark.parametrize(
    ("provider", "model", "abilities"),
    [
        ("openai", "gpt-4.1", Abilities()),
        ("openai", "gpt-4-turbo", Abilities(schema=False)),
        ("openai", "o1-mini", Abilities(tools=False, schema=False)),
        ("openai", "llama3.2:3b", Abilities()),
        ("anthropic", "claude-sonnet-4-5", Abilities()),
        ("anthropic", "claude-3-5-haiku-latest", Abilities(schema=False)),
        ("anthropic", "claude-sonnet-4-20250514", Abilities(schema=False)),
        ("gemini", "gemini-2.5-pro", Abilities(schema_with_tools=False)),
        ("gemini", "gemini-3-pro", Abilities()),
        ("gemini", "gemma-3-27b-it", Abilities(tools=False, schema=False, schema_with_tools=False)),
        ("groq", "llama-3.3-70b-versatile", Abilities(schema=False, schema_with_tools=False)),
        ("groq", "openai/gpt-oss-120b", Abilities(schema_with_tools=False)),
    ],
)
def test_it_knows_what_a_model_can_do(provider: str, model: str, abilities: Abilities) -> None:
    assert get_adapter(provider).abilities(model) == abilities


def test_it_says_what_a_model_cannot_do() -> None:
    asked = ChatRequest("m", TURN[:1], tools=(WEATHER,), response_schema=SCHEMA)
    assert Abilities().missing_for(asked) == ""
    assert Abilities(tools=False).missing_for(asked) == "m cannot call tools."
    assert Abilities(schema=False).missing_for(asked) == "m cannot be held to a response schema."
    assert "not both" in Abilities(schema_with_tools=False).missing_for(asked)
    assert Abilities(tools=False).missing_for(ChatRequest("m", TURN)) == "m cannot call tools."
    assert Abilities(tools=False, schema=False).missing_for(ChatRequest("m", TURN[:1])) == ""
