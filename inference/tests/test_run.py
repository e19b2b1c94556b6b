"""One call, against a provider that behaves and misbehaves."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from uuid import uuid4

import pytest

from inference.providers.base import ChatMessage, ChatRequest, Timeouts
from inference.runs.run import SHUTDOWN, STOPPED, RetryPolicy, Run
from inference.runs.start import PreparedRun
from inference.runs.stream_buffer import LiveRun
from inference.tests.fake_provider import FakeProvider, answer, failure
from inference.tests.wire import DIALECTS
from telemetry.models import Status
from telemetry.services import CallOutcome

QUICK = Timeouts(connect=1.0, first_token=0.5, between_tokens=0.5, total=5.0)


def run_on(fake: FakeProvider, model: str, *, attempts: int = 3, timeouts: Timeouts = QUICK) -> Run:
    generation_id = uuid4()
    order = PreparedRun(
        generation_id=generation_id,
        provider="openai",
        base_url=fake.base_url("openai"),
        request=ChatRequest(model=model, messages=(ChatMessage("user", "Hello there"),), timeouts=timeouts),
        api_key="sk-good",
    )
    live = LiveRun(generation_id, on_change=lambda: None)
    return Run(order, live, RetryPolicy(attempts=attempts, first_wait=0.01, longest_wait=0.2))


async def outcome_of(fake: FakeProvider, model: str, *, attempts: int = 3) -> CallOutcome:
    return await run_on(fake, model, attempts=attempts).outcome()


async def test_it_tells_what_a_good_call_said_and_used(fake: FakeProvider) -> None:
    outcome = await outcome_of(fake, "words-5")

    assert outcome.status == Status.SUCCEEDED
    assert len(outcome.text.split()) == 5
    assert outcome.finish_reason == "stop"
    assert outcome.tokens is not None and not outcome.tokens_are_estimated
    assert outcome.first_token_at is not None
    assert len(outcome.attempts) == 1


@pytest.mark.parametrize(
    ("status", "kind"),
    [(400, "bad_request"), (401, "authentication_failed"), (403, "permission_denied"), (404, "not_found")],
)
async def test_it_never_retries_what_the_provider_refuses(fake: FakeProvider, status: int, kind: str) -> None:
    model = f"status-{status}"
    outcome = await outcome_of(fake, model)

    assert (outcome.status, outcome.error_type, outcome.error_status) == (Status.FAILED, kind, status)
    assert len(fake.calls(model)) == 1
    assert outcome.tokens is None


@pytest.mark.parametrize("status", [429, 500, 503, 529])
async def test_it_retries_a_provider_in_trouble_as_often_as_allowed(fake: FakeProvider, status: int) -> None:
    model = f"status-{status}"
    outcome = await outcome_of(fake, model, attempts=3)

    assert outcome.status == Status.FAILED
    assert len(fake.calls(model)) == len(outcome.attempts) == 3
    assert [("wait_seconds" in attempt) for attempt in outcome.attempts] == [True, True, False]


async def test_it_waits_as_long_as_the_provider_asks(fake: FakeProvider) -> None:
    outcome = await outcome_of(fake, "status-429-retry-0.1", attempts=2)

    assert outcome.attempts[0]["wait_seconds"] == 0.1


async def test_it_gives_up_where_the_provider_asks_for_too_much_patience(fake: FakeProvider) -> None:
    outcome = await outcome_of(fake, "status-429-retry-999")

    assert len(outcome.attempts) == 1


async def test_it_recovers_when_a_later_attempt_succeeds(fake: FakeProvider) -> None:
    dialect = DIALECTS["v1"]
    fake.script("recovers", failure(dialect, 500), answer(dialect, "recovers", ["fine"]))
    run = run_on(fake, "recovers")
    outcome = await run.outcome()

    assert (outcome.status, outcome.text.strip()) == (Status.SUCCEEDED, "fine")
    assert run.live.after(0, at_least=1)[0].kind == "notice"


@pytest.mark.parametrize("model", ["cut-close", "cut-reset", "stall-between-tokens", "no-finish", "error-event"])
async def test_it_keeps_the_text_of_a_broken_stream_and_never_retries_it(fake: FakeProvider, model: str) -> None:
    outcome = await outcome_of(fake, model)

    assert outcome.status == Status.FAILED
    assert outcome.text
    assert len(fake.calls(model)) == 1
    assert outcome.tokens is not None


@pytest.mark.parametrize("model", ["stall-headers", "stall-first-token"])
async def test_it_ends_a_call_that_never_says_a_word(fake: FakeProvider, model: str) -> None:
    outcome = await outcome_of(fake, model)

    assert (outcome.status, outcome.error_type, outcome.tokens) == (Status.FAILED, "timeout", None)


@pytest.mark.parametrize("model", ["garbage", "html", "huge-line", "empty"])
async def test_it_makes_one_clean_error_of_garbage(fake: FakeProvider, model: str) -> None:
    outcome = await outcome_of(fake, model)

    assert outcome.status == Status.FAILED
    assert outcome.error_type not in ("", "internal_error")


@pytest.mark.parametrize("model", ["stall-headers", "stall-first-token", "endless"])
async def test_it_closes_the_connection_within_a_second_of_stop(fake: FakeProvider, model: str) -> None:
    run = run_on(fake, model, timeouts=Timeouts())
    call = asyncio.create_task(run.outcome())
    exchange = await asyncio.to_thread(fake.last, model)
    await asyncio.sleep(0.2)
    run.stop(STOPPED)
    outcome = await call

    assert outcome.status == Status.STOPPED
    assert await asyncio.to_thread(exchange.closed.wait, 1)


async def test_it_estimates_the_tokens_of_a_stopped_answer(fake: FakeProvider) -> None:
    run = run_on(fake, "endless")
    call = asyncio.create_task(run.outcome())
    async with aclosing(run.live.follow()) as batches:
        await anext(batches)
    run.stop(STOPPED)
    outcome = await call

    assert outcome.text and outcome.tokens and outcome.tokens.output and outcome.tokens_are_estimated


async def test_it_asks_nothing_of_the_provider_once_it_is_stopped(fake: FakeProvider) -> None:
    run = run_on(fake, "words-3-never-asked")
    run.stop(SHUTDOWN)
    outcome = await run.outcome()

    assert outcome.status == Status.INTERRUPTED
    assert fake.calls("words-3-never-asked") == []


async def test_it_keeps_the_first_reason_to_stop(fake: FakeProvider) -> None:
    run = run_on(fake, "endless")
    run.stop(STOPPED)
    run.stop(SHUTDOWN)

    assert (await run.outcome()).status == Status.STOPPED


async def test_it_tries_again_at_once_when_asked_to(fake: FakeProvider) -> None:
    model, waits = "status-429-retry-15", asyncio.Event()
    patient = run_on(fake, model)
    live = LiveRun(patient.order.generation_id, on_change=waits.set)
    run = Run(patient.order, live, RetryPolicy(attempts=2))
    going = asyncio.create_task(run.outcome())
    await waits.wait()
    run.hurry()
    async with asyncio.timeout(5):
        await going

    assert len(fake.calls(model)) == 2
