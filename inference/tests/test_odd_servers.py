"""Answers of servers that depart from their protocol in ways that users should never notice."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import pytest

from inference.providers import registry
from inference.providers.base import ChatMessage, ChatRequest, Timeouts
from inference.providers.chat_completions import ChatCompletionParser
from inference.runs.run import STOPPED, RetryPolicy, Run
from inference.runs.start import PreparedRun
from inference.runs.stream_buffer import LiveRun
from inference.tests.fake_provider import FakeProvider, Fault, Script, Step, as_json
from inference.tests.providers.calls import KEY, PATIENT
from inference.tests.wire import Anthropic, Gemini, OpenAI, sse
from telemetry.models import Status
from telemetry.services import CallOutcome

openai, anthropic, gemini = OpenAI(), Anthropic(), Gemini()
STOP = openai.chunk({}, finish_reason="stop")
DONE = sse("[DONE]")


def chunk(**choice: Any) -> bytes:
    return sse({"id": "c", "model": "m", "choices": [{"index": 0, **choice}]})


def whole(text: str) -> dict[str, Any]:
    message = {"role": "assistant", "content": text}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    return {"object": "chat.completion", "model": "m", "choices": [choice], "usage": openai.usage(2)}


@dataclass(frozen=True)
class Case:
    """What a server sends, and the text, thoughts, error and output tokens that must come of it."""

    name: str
    steps: tuple[Step, ...]
    text: str = ""
    thoughts: str = ""
    error: str = ""
    output: int | None = None
    provider: str = "openai"
    script: dict[str, Any] = field(default_factory=dict)


CASES = [
    Case("an open connection after the finish reason", (openai.delta("All."), STOP, Fault.HANG), "All."),
    Case("a cut after the finish reason", (openai.delta("All."), STOP, Fault.RESET), "All."),
    Case("nonsense after the finish reason", (openai.delta("All."), STOP, b"data: {oops\n\n", Fault.HANG), "All."),
    Case("an error after the finish reason", (openai.delta("All."), STOP, openai.error_event("late")), "All."),
    Case(
        "usage in every chunk, and zeros at the end",
        (
            openai.chunk({"content": "A"}, usage=openai.usage(1)),
            openai.chunk({"content": "B"}, usage=openai.usage(2)),
            openai.chunk({}, finish_reason="stop", usage={"prompt_tokens": 0, "completion_tokens": 0}),
            DONE,
        ),
        "AB",
        output=2,
    ),
    Case("unreadable usage", (openai.delta("All."), openai.chunk({}, finish_reason="stop", usage="n/a"), DONE), "All."),
    Case("message in place of delta", (chunk(message={"content": "A"}), chunk(message={"content": "B"}), STOP), "AB"),
    Case("a delta that is a text", (chunk(delta="A"), chunk(delta="B"), STOP), "AB"),
    Case("the old completions", (chunk(text="A"), chunk(text="B", finish_reason="stop")), "AB"),
    Case("the whole answer once more at the end", (openai.delta("All."), sse(whole("All.")), DONE), "All."),
    Case("a whole answer as an event", (sse(whole("All.")), DONE), "All.", output=2),
    Case("parts of content", (chunk(delta={"content": {"type": "text", "text": "A"}}), STOP), "A"),
    Case(
        "thoughts as parts",
        (chunk(delta={"reasoning_details": [{"type": "reasoning.text", "text": "Hm."}]}), openai.delta("A"), STOP),
        "A",
        "Hm.",
    ),
    Case(
        "half a character at the end", (b'data: {"choices": [{"delta": {"content": "A\\ud83d"}}]}\n\n', STOP), "A\ufffd"
    ),
    Case("a finish reason that is no text", (openai.delta("A"), chunk(delta={}, finish_reason={"type": "stop"})), "A"),
    Case("an unknown finish reason", (openai.delta("A"), chunk(delta={}, finish_reason="eos_token")), "A"),
    Case(
        "an event stream without saying so", (openai.delta("A"), STOP, DONE), "A", script={"content_type": "text/plain"}
    ),
    Case(
        "a whole answer on a connection that stays open",
        (json.dumps(whole("All.")).encode(), Fault.HANG),
        "All.",
        output=2,
        script={"content_type": "application/json"},
    ),
    Case(
        "lines of JSON",
        (b'{"choices":[{"delta":{"content":"A"}}]}\n', b'{"choices":[{"finish_reason":"stop"}]}\n'),
        "A",
    ),
    Case("nothing but the end mark", (DONE,), error="without the provider's end mark"),
    Case("text of another type", (openai.delta("A"), chunk(delta={"content": 5}), STOP), "A", error="unknown shape"),
    Case("an error as a text", (sse({"error": "Too long."}),), error="Too long."),
    Case("an error event without a type", (b"event: error\n" + sse({"message": "Too long."}),), error="Too long."),
    Case("a detail in place of a chunk", (sse({"detail": "Too long."}),), error="Too long."),
    Case("an error as the event's own field", (openai.delta("A"), b"error: Too long.\n\n"), "A", error="Too long."),
    Case(
        "a status in place of an answer",
        (sse({"choices": None, "base_resp": {"status_code": 1008, "status_msg": "No balance."}}),),
        error="No balance.",
    ),
    Case(
        "an error as an event stream, left open",
        (sse({"error": {"message": "Too long."}}), Fault.HANG),
        error="Too long.",
        script={"status": 400},
    ),
    Case("a good status that is not 200", (openai.delta("A"), STOP, DONE), "A", script={"status": 201}),
    Case(
        "blocks that begin with text",
        (
            *anthropic.opening("m")[:1],
            anthropic.event("content_block_start", index=0, content_block={"type": "thinking", "thinking": "Hm."}),
            anthropic.delta("A"),
            *anthropic.closing("m", 3, "stop"),
        ),
        "A",
        "Hm.",
        output=3,
        provider="anthropic",
    ),
    Case(
        "a message that was not streamed",
        (
            json.dumps(
                {
                    "type": "message",
                    "content": [{"type": "text", "text": "All."}],
                    "stop_reason": "end_turn",
                    "usage": {"input_tokens": 5, "output_tokens": 2},
                }
            ).encode(),
        ),
        "All.",
        output=2,
        provider="anthropic",
        script={"content_type": "application/json"},
    ),
    Case(
        "the end of a message without a reason",
        (*anthropic.opening("m"), anthropic.delta("A"), anthropic.event("message_stop"), Fault.HANG),
        "A",
        provider="anthropic",
    ),
    Case(
        "an error that is a text",
        (*anthropic.opening("m"), anthropic.delta("A"), anthropic.event("error", error="Too long.")),
        "A",
        error="Too long.",
        provider="anthropic",
    ),
    Case(
        "usage of an answer that broke off",
        (*anthropic.opening("m"), anthropic.delta("Half"), Fault.CLOSE),
        "Half",
        error="before the answer was complete",
        output=1,
        provider="anthropic",
    ),
    Case(
        "chunks in an array",
        (
            b"[",
            *(
                step.removeprefix(b"data: ").strip() + end
                for step, end in zip(
                    (gemini.delta("A"), gemini.delta("B"), *gemini.closing("m", 2, "stop")),
                    (b",", b",\r\n", b"]"),
                    strict=True,
                )
            ),
        ),
        "AB",
        output=2,
        provider="gemini",
        script={"content_type": "application/json"},
    ),
    Case(
        "an answer that stays open",
        (gemini.delta("A"), *gemini.closing("m", 2, "stop"), Fault.HANG),
        "A",
        output=2,
        provider="gemini",
    ),
    Case(
        "an error in an array",
        (json.dumps([{"error": {"code": 400, "message": "Too long."}}]).encode(),),
        error="Too long.",
        provider="gemini",
        script={"content_type": "application/json"},
    ),
    Case(
        "why it gave up",
        (gemini.delta("A"), gemini.chunk("B", candidate={"finishReason": "OTHER", "finishMessage": "Too long."})),
        "AB",
        error="Too long.",
        provider="gemini",
    ),
]


def run_on(fake: FakeProvider, provider: str, model: str, *, timeouts: Timeouts = PATIENT) -> Run:
    order = PreparedRun(
        generation_id=uuid4(),
        provider=provider,
        base_url=fake.base_url(provider),
        request=ChatRequest(model, (ChatMessage("user", "Hi"),), timeouts=timeouts),
        api_key=KEY,
    )
    live = LiveRun(order.generation_id, on_change=lambda: None)
    return Run(order, live, RetryPolicy(attempts=2, first_wait=0.01, longest_wait=0.05))


async def outcome_of(fake: FakeProvider, case: Case) -> CallOutcome:
    fake.script(case.name, Script(case.steps, **case.script))
    return await run_on(fake, case.provider, case.name).outcome()


@pytest.mark.parametrize("case", [pytest.param(case, id=case.name.replace(" ", "-")) for case in CASES])
async def test_nothing_is_lost_to(fake: FakeProvider, case: Case) -> None:
    outcome = await outcome_of(fake, case)
    assert (outcome.text, outcome.reasoning) == (case.text, case.thoughts)
    assert case.error in outcome.error_message
    assert outcome.status == (Status.FAILED if case.error else Status.SUCCEEDED)
    if case.output is not None:
        assert outcome.tokens and not outcome.tokens_are_estimated
        assert outcome.tokens.output == case.output


async def test_a_server_that_refuses_stream_options_is_asked_without_them_once_and_remembered(
    fake: FakeProvider,
) -> None:
    refusal = as_json({"message": "Unknown field: stream_options"}, status=400)
    fake.script("plain", refusal, Script((openai.delta("A"), STOP, DONE)))

    for _ in range(2):
        outcome = await run_on(fake, "openai", "plain").outcome()
        assert (outcome.status, outcome.text) == (Status.SUCCEEDED, "A")

    assert ["stream_options" in call.body for call in fake.calls("plain")] == [True, False, False]


async def test_a_server_that_goes_on_refusing_is_not_asked_a_third_time(fake: FakeProvider) -> None:
    fake.script("stubborn", as_json({"message": "Unknown field: stream_options"}, status=400))

    outcome = await run_on(fake, "openai", "stubborn").outcome()

    assert (outcome.status, outcome.error_type) == (Status.FAILED, "bad_request")
    assert len(fake.calls("stubborn")) == 2


async def test_keep_alives_are_signs_of_life_until_the_total_limit(fake: FakeProvider) -> None:
    limits = Timeouts(connect=10, first_token=0.8, between_tokens=0.8, total=60)
    fake.script(
        "thinks", Script((*(0.4, b": alive\n\n") * 4, openai.delta("A"), *(0.4, b": alive\n\n") * 4, STOP, DONE))
    )
    fake.script("thinks-forever", Script((0.2, b": alive\n\n"), repeat=True))

    assert (await run_on(fake, "openai", "thinks", timeouts=limits).outcome()).text == "A"
    forever = await run_on(fake, "openai", "thinks-forever", timeouts=Timeouts(first_token=0.8, total=2)).outcome()
    assert (forever.error_type, forever.error_message) == ("timeout", "The answer took longer than 2 s.")


async def test_a_loop_that_was_held_up_does_not_count_as_silence(fake: FakeProvider) -> None:
    fake.script("meanwhile", Script((openai.delta("A"), 0.1, openai.delta("B"), STOP, DONE)))
    limits = Timeouts(connect=10, first_token=10, between_tokens=0.5, total=60)
    run = run_on(fake, "openai", "meanwhile", timeouts=limits)
    call = asyncio.create_task(run.outcome())
    async with aclosing(run.live.follow()) as batches:
        await anext(batches)

    time.sleep(1.2)  # noqa: ASYNC251 - holding the loop up is what is tried

    assert (await call).text == "AB"


async def test_a_stopped_answer_keeps_what_its_provider_has_counted(fake: FakeProvider) -> None:
    fake.script("stopped", Script((*anthropic.opening("m"), anthropic.delta("Half"), Fault.HANG)))
    fake.script("stopped-late", Script((*anthropic.opening("m"), anthropic.delta("word " * 100), Fault.HANG)))
    found = []
    for model in ("stopped", "stopped-late"):
        run = run_on(fake, "anthropic", model)
        call = asyncio.create_task(run.outcome())
        async with aclosing(run.live.follow()) as batches:
            await anext(batches)
        run.stop(STOPPED)
        found.append(await call)

    early, late = found
    assert early.tokens and (early.tokens.input, early.tokens.output, early.tokens_are_estimated) == (7, 1, False)
    assert late.tokens and (late.tokens.input, late.tokens.output, late.tokens_are_estimated) == (7, 125, True)
    assert "estimated" in late.usage_note


def logged_as(event: str, caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    """What was logged of that name. A traceback is made of ``exc_info`` when it is written."""
    return [record.msg for record in caplog.records if isinstance(record.msg, dict) and record.msg["event"] == event]


async def test_figures_that_make_no_sense_are_logged_once_without_the_key(
    fake: FakeProvider, caplog: pytest.LogCaptureFixture
) -> None:
    odd = openai.chunk({"content": "A"}, usage={"prompt_tokens": "many"})
    fake.script("odd-figures", Script((odd, odd, odd, STOP, b"data: {oops\n\n", DONE)))

    outcome = await run_on(fake, "openai", "odd-figures").outcome()

    assert (outcome.status, outcome.text) == (Status.SUCCEEDED, "AAA")
    [logged] = logged_as("unreadable_answer", caplog)
    assert "many" in logged["chunk"] and KEY not in str(logged)


async def test_a_mistake_of_our_own_is_called_that_and_logged_with_its_traceback(
    fake: FakeProvider, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def mistaken(*arguments: object) -> None:
        raise KeyError("choises")

    monkeypatch.setattr(ChatCompletionParser, "read", mistaken)
    outcome = await run_on(fake, "openai", "words-3").outcome()

    assert (outcome.status, outcome.error_type) == (Status.FAILED, "internal_error")
    assert outcome.error_message == "AISTRALE itself failed during this call."
    [logged] = logged_as("run_failed", caplog)
    assert logged["exc_info"]


async def test_a_mistake_of_our_own_in_the_figures_does_not_cost_the_answer(
    fake: FakeProvider, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def mistaken(*arguments: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(ChatCompletionParser, "usage", mistaken)
    outcome = await run_on(fake, "openai", "words-3").outcome()

    assert (outcome.status, outcome.text) == (Status.SUCCEEDED, "word0 word1 word2 ")
    assert outcome.tokens_are_estimated
    assert {type(logged["exc_info"]) for logged in logged_as("unreadable_answer", caplog)} == {ZeroDivisionError}


async def test_an_sdk_that_cannot_be_loaded_is_named(fake: FakeProvider, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "inference.providers.openai", None)
    monkeypatch.setattr(registry, "_loaded", {})

    outcome = await run_on(fake, "openai", "words-3").outcome()

    assert (outcome.status, outcome.error_type) == (Status.FAILED, "provider_error")
    assert outcome.error_message.startswith("AISTRALE cannot load its software for OpenAI: ")
