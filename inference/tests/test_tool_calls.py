"""Calls of tools from the moment they stream until they are stored, and sent again."""

from __future__ import annotations

import json
from contextlib import aclosing
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import User
from inference import personal
from inference.conversations.sharing import copy_branch
from inference.models import Conversation, Message, Role
from inference.providers.base import ChatMessage, ChatRequest, Tool, ToolCall, ToolCallDelta
from inference.runs.active import Runs
from inference.runs.database import in_thread
from inference.runs.estimates import estimate_tokens
from inference.runs.finish import Partial, interrupt_runs, save_partials
from inference.runs.run import Run
from inference.runs.start import PreparedRun, as_sent, chat_history
from inference.runs.stream_buffer import Delta, LiveRun, without_first
from inference.runs.tool_calls import CallWriter, as_stored, tool_calls_of, without_dangling
from inference.tests.conftest import StartRuns
from inference.tests.fake_provider import FakeProvider, Fault, Script
from inference.tests.test_active_runs import ended, start, token_of_alice
from inference.tests.test_odd_servers import run_on
from inference.tests.wire import OpenAI
from telemetry.models import Generation, GenerationContent, Status

__all__ = ["token_of_alice"]
in_database = pytest.mark.django_db(transaction=True)
openai = OpenAI()

QUESTION = ChatMessage("user", "What is the weather?")
PARIS = ToolCall("a", "get_weather", '{"city": "Paris"}')
LONDON = ToolCall("b", "get_weather", '{"city": "London"}')


def deltas_of(*events: ToolCallDelta) -> list[Delta]:
    writer = CallWriter()
    return [delta for event in events for delta in writer.deltas(event)]


@given(
    st.lists(st.tuples(st.integers(0, 3), st.text(max_size=5)), max_size=30),
    st.integers(0, 200),
)
def test_calls_that_stream_by_turns_are_put_together_wherever_a_watcher_resumes(
    pieces: list[tuple[int, str]], position: int
) -> None:
    live = LiveRun(uuid4(), on_change=lambda: None)
    for delta in deltas_of(*(ToolCallDelta(place, text, name=f"f{place}") for place, text in pieces)):
        live.append(delta)
    calls = {f"f{place}": "".join(text for at, text in pieces if at == place) for place, _ in pieces}
    expected = {name: text.replace("\0", "\ufffd") for name, text in calls.items()}

    assert {call.name: call.arguments for call in tool_calls_of(live.deltas)} == expected
    ends = [0]
    for delta in live.deltas:
        ends.append(ends[-1] + len(delta.text))
    cut = max(end for end in ends if end <= position)
    before = [delta for delta, end in zip(live.deltas, ends[1:], strict=True) if end <= cut]
    assert tool_calls_of([*before, *without_first(list(live.deltas), cut)]) == tool_calls_of(live.deltas)


def test_what_cannot_be_stored_is_replaced() -> None:
    (call,) = tool_calls_of(deltas_of(ToolCallDelta(0, '{"x": "\0"}', id="a\0", name="f\ud800", signature="gemini:s")))
    assert call == ToolCall("a\ufffd", "f\ufffd", '{"x": "\ufffd"}', "gemini:s")


async def test_an_answer_of_calls_alone_is_a_success(fake: FakeProvider) -> None:
    fake.script("calls", Script((*openai.call(0, "f", ['{"x": ', "1}"]), openai.chunk({}, finish_reason="stop"))))
    outcome = await run_on(fake, "openai", "calls").outcome()

    assert (outcome.status, outcome.text, outcome.finish_reason) == (Status.SUCCEEDED, "", "tool_calls")
    assert outcome.tool_calls == [{"id": "call_0", "name": "f", "arguments": '{"x": 1}', "signature": ""}]
    assert outcome.first_token_at is not None
    assert outcome.tokens and outcome.tokens_are_estimated and outcome.tokens.output == 2


async def test_calls_of_an_answer_that_breaks_off_are_kept_and_counted(fake: FakeProvider) -> None:
    fake.script("broken", Script((*openai.call(0, "f", ['{"x": ' + "1" * 400]), Fault.CLOSE)))
    outcome = await run_on(fake, "openai", "broken").outcome()

    assert outcome.status == Status.FAILED
    assert outcome.tool_calls[0]["arguments"].startswith('{"x": 1')
    assert outcome.tokens and outcome.tokens.output > 100


async def test_what_a_model_cannot_do_is_said_before_anything_is_sent(fake: FakeProvider) -> None:
    run = run_on(fake, "openai", "o1-mini")
    asked = ChatRequest("o1-mini", (QUESTION,), tools=(Tool("f", "", {}),))
    order = PreparedRun(uuid4(), "openai", fake.base_url("openai"), asked, "sk-good")
    outcome = await Run(order, run.live, run._policy).outcome()

    assert (outcome.status, outcome.error_type) == (Status.FAILED, "unsupported")
    assert outcome.error_message == "o1-mini cannot call tools."
    assert fake.calls("o1-mini") == []


async def watched(runs: Runs, order: PreparedRun) -> list[Delta]:
    async with aclosing(runs.watch(order.generation_id)) as batches:
        return [delta async for batch in batches for delta in batch]


@in_database
@pytest.mark.usefixtures("token_of_alice")
async def test_calls_are_shown_by_every_process_and_stored(alice: User, start_runs: StartRuns) -> None:
    here, elsewhere = await start_runs(), await start_runs()
    order = await start(alice, "tools")
    here.launch(order)
    seen = await watched(elsewhere, order)
    generation = await ended(order)

    stored = as_stored(tool_calls_of(seen))
    assert [(call["name"], call["arguments"]) for call in stored] == [
        ("get_weather", '{"city": "Paris"}'),
        ("get_time", "{}"),
    ]
    assert generation.message.tool_calls == stored
    content = await in_thread(GenerationContent.objects.get)(generation=generation.pk)
    assert content.tool_calls == stored
    assert generation.finish_reason == "tool_calls"


@in_database
@pytest.mark.usefixtures("token_of_alice")
async def test_calls_of_a_process_that_died_are_kept(alice: User) -> None:
    order = await start(alice, "words-1")
    calls = as_stored([PARIS])
    for partial in (Partial(order.generation_id, "", "", calls), Partial(order.generation_id, "", "")):
        await in_thread(save_partials)(partials=[partial], alive=[])

    await in_thread(interrupt_runs)(Generation.objects.running())

    generation = await ended(order)
    assert (generation.status, generation.message.tool_calls) == (Status.INTERRUPTED, calls)
    assert generation.output_tokens == 5


@in_database
def test_a_question_after_unanswered_calls_is_sent_without_them(alice: User) -> None:
    conversation = Conversation.objects.create(owner=alice, title="Weather")
    roles_and_texts = [(Role.USER, "Paris?"), (Role.ASSISTANT, "Looking."), (Role.USER, "And?"), (Role.ASSISTANT, "")]
    branch = [
        Message.objects.create(
            conversation=conversation,
            role=role,
            text=text,
            tool_calls=as_stored([PARIS]) if role == Role.ASSISTANT else [],
        )
        for role, text in roles_and_texts
    ]
    assert chat_history(branch) == (
        ChatMessage("user", "Paris?"),
        ChatMessage("assistant", "Looking."),
        ChatMessage("user", "And?"),
    )
    assert list(Message.objects.filter(pk=branch[1].pk).values_list("tool_calls", flat=True)) == [as_stored([PARIS])]


@in_database
def test_a_copy_of_a_conversation_has_its_calls(alice: User) -> None:
    conversation = Conversation.objects.create(owner=alice, title="Weather")
    Message.objects.create(conversation=conversation, role=Role.USER, text="Paris?")
    last = Message.objects.create(conversation=conversation, role=Role.ASSISTANT, tool_calls=as_stored([PARIS]))
    copy = copy_branch(source=conversation, leaf=last.pk, actor=alice)
    assert [message.tool_calls for message in copy.messages.all()][-1] == as_stored([PARIS])


def result(call: ToolCall, text: str = "21 °C") -> ChatMessage:
    return ChatMessage("tool", text, tool_call_id=call.id, tool_name=call.name)


def asking(*calls: ToolCall, text: str = "") -> ChatMessage:
    return ChatMessage("assistant", text, tool_calls=calls)


@pytest.mark.parametrize(
    ("turns", "kept"),
    [
        ([asking(PARIS, LONDON), result(LONDON), result(PARIS)], "all"),
        ([asking(PARIS, LONDON), result(PARIS)], [asking(PARIS), result(PARIS)]),
        ([asking(PARIS)], []),
        ([asking(PARIS, text="Hm.")], [ChatMessage("assistant", "Hm.")]),
        ([asking(PARIS), QUESTION, result(PARIS)], [QUESTION]),
        ([result(PARIS)], []),
        ([asking(PARIS), result(PARIS), result(PARIS)], [asking(PARIS), result(PARIS)]),
        ([asking(ToolCall("a", "", "{}")), result(PARIS)], []),
        ([asking(PARIS), result(PARIS, "")], "all"),
        ([ChatMessage("assistant", " \n")], []),
    ],
)
def test_a_call_and_its_result_are_sent_only_together(turns: list[ChatMessage], kept: Any) -> None:
    expected = turns if kept == "all" else kept
    assert without_dangling([QUESTION, *turns]) == (QUESTION, *expected)


def test_estimates_count_tools_calls_and_arguments() -> None:
    turns = (QUESTION, asking(ToolCall("a", "f", "x" * 400, "anthropic:" + "s" * 4000)), result(PARIS, "y" * 40))
    request = ChatRequest("m", turns, tools=(Tool("f", "z" * 400, {}),))
    counted = estimate_tokens(as_sent(request), "", "").input
    assert 210 < counted < 260


def test_what_is_sent_is_recorded_with_its_calls() -> None:
    *_, asked, answered = as_sent(ChatRequest("m", (QUESTION, asking(PARIS), result(PARIS))))
    assert json.loads(asked.extra) == {"tool_calls": as_stored([PARIS])}
    assert json.loads(answered.extra) == {"tool_call_id": "a", "tool_name": "get_weather"}


@in_database
def test_an_export_of_personal_data_has_the_calls(alice: User) -> None:
    conversation = Conversation.objects.create(owner=alice, title="Weather")
    Message.objects.create(conversation=conversation, role=Role.ASSISTANT, tool_calls=as_stored([PARIS]))
    (message,) = [values for values in personal.export(alice) if values["kind"] == "message"]
    assert message["tool_calls"] == as_stored([PARIS])
