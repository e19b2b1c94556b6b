"""Runs from their start to their stored end, whatever happens in between."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from uuid import UUID, uuid4

import psycopg
import pytest
from pytest_django.fixtures import Settings

from accounts.models import User
from audit.models import AuditEvent
from inference.actions import InferenceAction
from inference.models import Conversation, Message, Role
from inference.providers.registry import load_adapter
from inference.runs.active import OFTEN_SAVED_CHARACTERS, Runs, _is_worth_saving
from inference.runs.database import in_thread
from inference.runs.finish import Partial, save_partials
from inference.runs.process_lock import connection_parameters
from inference.runs.start import PreparedRun, RunRequest, StartedRun, start_run
from inference.tests.conftest import StartRuns, until
from inference.tests.fake_provider import FakeProvider
from telemetry.models import Generation, GenerationContent, Status
from tokens.models import ProviderToken
from tokens.services import add_token

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def token_of_alice(alice: User, fake: FakeProvider, quick_limits: None) -> None:
    add_token(
        owner=alice,
        actor=None,
        provider="openai",
        label="fake",
        secret="sk-good-1234",
        base_url=fake.base_url("openai"),
    )


def form(model: str, *, client_id: UUID | None = None) -> RunRequest:
    return RunRequest(provider="openai", model=model, text="Hello", parent_id=None, client_id=client_id or uuid4())


async def start(user: User, model: str) -> PreparedRun:
    started = await in_thread(start_run)(user=user, conversation_id=uuid4(), is_new=True, form=form(model))
    assert started is not None and started.order is not None
    return started.order


async def stored(order: PreparedRun) -> Generation:
    return await in_thread(Generation.objects.select_related("message").get)(pk=order.generation_id)


async def ended(order: PreparedRun) -> Generation:
    await until(in_thread(Generation.objects.filter(pk=order.generation_id, ended_at__isnull=False).exists))
    return await stored(order)


async def text_of(runs: Runs, generation_id: UUID) -> str:
    async with aclosing(runs.watch(generation_id)) as batches:
        return "".join([delta.text async for batch in batches for delta in batch if delta.kind == "text"])


@pytest.mark.usefixtures("token_of_alice")
async def test_it_stores_a_whole_answer_with_its_figures(alice: User, start_runs: StartRuns) -> None:
    runs = await start_runs()
    order = await start(alice, "words-5")
    runs.launch(order)
    watched = await text_of(runs, order.generation_id)
    generation = await ended(order)

    assert generation.status == Status.SUCCEEDED
    assert generation.message.text == watched != ""
    assert generation.output_tokens is not None


@pytest.mark.usefixtures("token_of_alice")
@pytest.mark.parametrize(
    ("model", "kind"),
    [
        ("status-401", "authentication_failed"),
        ("status-403", "permission_denied"),
        ("status-404", "not_found"),
        ("status-429", "rate_limited"),
        ("status-429-retry-0.05", "rate_limited"),
        ("status-500", "overloaded"),
        ("status-529", "overloaded"),
        ("stall-headers", "timeout"),
        ("stall-first-token", "timeout"),
        ("stall-between-tokens", "timeout"),
        ("garbage", "stream_broken"),
        ("cut-reset", "stream_broken"),
        ("no-finish", "stream_broken"),
    ],
)
async def test_it_leaves_one_failed_generation_for_each_fault(
    alice: User, start_runs: StartRuns, model: str, kind: str
) -> None:
    runs = await start_runs()
    order = await start(alice, model)
    runs.launch(order)
    generation = await ended(order)

    assert (generation.status, generation.error_type) == (Status.FAILED, kind)
    assert await in_thread(Generation.objects.count)() == 1


@pytest.mark.usefixtures("token_of_alice")
async def test_it_stops_a_run_and_keeps_its_text(alice: User, start_runs: StartRuns, fake: FakeProvider) -> None:
    runs = await start_runs()
    order = await start(alice, "endless")
    live = runs.launch(order)
    async with aclosing(live.follow()) as batches:
        await anext(batches)
    await runs.stop(order.generation_id)
    generation = await ended(order)

    assert generation.status == Status.STOPPED
    assert generation.message.text
    assert generation.usage_source == "estimated"
    assert await asyncio.to_thread(fake.last("endless").closed.wait, 1)


@pytest.mark.usefixtures("token_of_alice")
async def test_it_stops_a_run_that_another_process_owns(alice: User, start_runs: StartRuns) -> None:
    owner, other = await start_runs(), await start_runs()
    order = await start(alice, "endless")
    owner.launch(order)
    await asyncio.sleep(0.3)
    await other.stop(order.generation_id)

    assert (await ended(order)).status == Status.STOPPED


@pytest.mark.usefixtures("token_of_alice")
async def test_it_shows_a_run_that_another_process_owns(alice: User, start_runs: StartRuns) -> None:
    owner, other = await start_runs(), await start_runs()
    order = await start(alice, "words-20-every-20ms")
    owner.launch(order)
    here, there = await asyncio.gather(text_of(owner, order.generation_id), text_of(other, order.generation_id))

    assert here == there != ""


@pytest.mark.usefixtures("token_of_alice")
async def test_it_shows_a_run_that_has_just_ended(alice: User, start_runs: StartRuns) -> None:
    runs = await start_runs()
    order = await start(alice, "words-5")
    runs.launch(order)
    generation = await ended(order)

    assert await text_of(runs, order.generation_id) == generation.message.text


@pytest.mark.usefixtures("token_of_alice")
async def test_it_stops_a_run_that_nobody_has_watched_for_the_grace_time(
    alice: User, start_runs: StartRuns, settings: Settings, fake: FakeProvider
) -> None:
    settings.RUN_GRACE_SECONDS = 0.3
    await load_adapter("openai")  # its import may take longer than that
    runs = await start_runs()
    order = await start(alice, "endless")
    runs.launch(order)
    generation = await ended(order)

    assert (generation.status, generation.error_type) == (Status.STOPPED, "unwatched")
    assert await asyncio.to_thread(fake.last("endless").closed.wait, 1)


@pytest.mark.usefixtures("token_of_alice")
async def test_it_keeps_a_run_that_is_watched_from_another_process(
    alice: User, start_runs: StartRuns, settings: Settings
) -> None:
    settings.RUN_GRACE_SECONDS = 0.3
    owner, other = await start_runs(), await start_runs()
    order = await start(alice, "endless")
    owner.launch(order)
    watching = asyncio.create_task(text_of(other, order.generation_id))
    await asyncio.sleep(1.5)
    status = (await stored(order)).status
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)

    assert status == Status.RUNNING


@pytest.mark.usefixtures("token_of_alice")
async def test_it_saves_the_text_while_it_comes(alice: User, start_runs: StartRuns) -> None:
    runs = await start_runs()
    order = await start(alice, "endless")
    runs.launch(order)

    async def has_text() -> str:
        return (await in_thread(GenerationContent.objects.get)(pk=order.generation_id)).response_text

    assert await until(has_text, within=2.5)


@pytest.mark.usefixtures("token_of_alice")
async def test_it_interrupts_what_goes_on_at_a_shutdown(alice: User, start_runs: StartRuns) -> None:
    runs = await start_runs()
    order = await start(alice, "endless")
    live = runs.launch(order)
    async with aclosing(live.follow()) as batches:
        await anext(batches)
    await runs.drain(seconds=0.1)
    generation = await stored(order)

    assert generation.status == Status.INTERRUPTED
    assert generation.message.text


@pytest.mark.usefixtures("token_of_alice")
async def test_it_lets_a_short_run_end_before_a_shutdown(alice: User, start_runs: StartRuns) -> None:
    runs = await start_runs()
    order = await start(alice, "words-5-every-50ms")
    runs.launch(order)
    await runs.drain(seconds=3)

    assert (await stored(order)).status == Status.SUCCEEDED


@pytest.mark.usefixtures("token_of_alice")
async def test_it_asks_no_provider_once_it_is_draining(alice: User, start_runs: StartRuns, fake: FakeProvider) -> None:
    runs = await start_runs()
    await runs.drain(seconds=0)
    order = await start(alice, "words-2")
    runs.launch(order)

    assert (await ended(order)).status == Status.INTERRUPTED
    assert fake.calls("words-2") == []


@pytest.mark.usefixtures("token_of_alice")
async def test_it_interrupts_the_runs_of_a_process_that_died(
    alice: User, start_runs: StartRuns, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = await start(alice, "words-5")
    await in_thread(save_partials)(partials=[Partial(order.generation_id, "as far as it came", "")], alive=[])
    settings.RUN_SILENCE_SECONDS = 0.1
    monkeypatch.setattr("inference.runs.active.SWEEP_SECONDS", 0.1)
    await start_runs()

    generation = await ended(order)
    assert generation.status == Status.INTERRUPTED
    assert generation.message.text == "as far as it came"


@pytest.mark.usefixtures("token_of_alice")
async def test_it_leaves_its_own_silent_runs_alone(alice: User, start_runs: StartRuns, settings: Settings) -> None:
    runs = await start_runs()
    order = await start(alice, "endless")
    runs.launch(order)
    settings.RUN_SILENCE_SECONDS = 0.0
    await asyncio.sleep(0.2)
    await runs._sweep()

    assert (await stored(order)).status == Status.RUNNING


@pytest.mark.usefixtures("token_of_alice")
def test_it_makes_one_run_of_a_form_that_is_sent_twice(alice: User) -> None:
    conversation_id, sent = uuid4(), form("words-2")
    first = start_run(user=alice, conversation_id=conversation_id, is_new=True, form=sent)
    second = start_run(user=alice, conversation_id=conversation_id, is_new=True, form=sent)

    assert first is not None and second is None
    assert Generation.objects.count() == 1


@pytest.mark.usefixtures("token_of_alice")
async def test_it_makes_one_run_of_ten_double_clicks_at_once(alice: User) -> None:
    conversation_id, sent = uuid4(), form("words-2")
    results = await asyncio.gather(
        *(in_thread(start_run)(user=alice, conversation_id=conversation_id, is_new=True, form=sent) for _ in range(10))
    )

    assert len([started for started in results if isinstance(started, StartedRun)]) == 1
    assert await in_thread(Generation.objects.count)() == 1


@pytest.mark.usefixtures("token_of_alice")
def test_it_does_not_send_on_an_answer_of_white_space(alice: User) -> None:
    conversation = Conversation.objects.create(owner=alice)
    question = Message.objects.create(conversation=conversation, role=Role.USER, text="Hi")
    blank = Message.objects.create(conversation=conversation, parent=question, role=Role.ASSISTANT, text=" \n\n")
    sent = RunRequest(provider="openai", model="words-2", text="Well?", parent_id=blank.pk, client_id=uuid4())

    started = start_run(user=alice, conversation_id=conversation.pk, is_new=False, form=sent)

    assert started is not None and started.order is not None
    assert [message.text for message in started.order.request.messages] == ["Hi", "Well?"]


@pytest.mark.usefixtures("token_of_alice")
def test_it_audits_the_start_in_one_entry_that_names_the_token(alice: User) -> None:
    before = AuditEvent.objects.count()
    start_run(user=alice, conversation_id=uuid4(), is_new=True, form=form("words-2"))
    [entry] = AuditEvent.objects.filter(sequence__gt=before)

    assert (entry.action, entry.after["token_id"]) == (InferenceAction.RUN_START, str(ProviderToken.objects.get().pk))


@pytest.mark.usefixtures("token_of_alice")
def test_it_keeps_a_stranger_out_of_a_conversation_even_as_a_new_one(alice: User, charlie: User) -> None:
    conversation_id = uuid4()
    start_run(user=alice, conversation_id=conversation_id, is_new=True, form=form("words-2"))
    sandbox = RunRequest(provider="echo", model="echo", text="Hi", parent_id=None, client_id=uuid4())

    with pytest.raises(Conversation.DoesNotExist):
        start_run(user=charlie, conversation_id=conversation_id, is_new=True, form=sandbox)
    assert Message.objects.count() == 2


async def test_it_goes_on_showing_text_while_redis_is_away(
    alice: User, start_runs: StartRuns, settings: Settings
) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:9/0"
    runs = await start_runs()
    sandbox = RunRequest(provider="echo", model="echo", text="Hi", parent_id=None, client_id=uuid4())
    started = await in_thread(start_run)(user=alice, conversation_id=uuid4(), is_new=True, form=sandbox)
    assert started is not None and started.order is not None
    live = runs.launch(started.order)
    watched = await text_of(runs, live.generation_id)

    assert (await ended(started.order)).status == Status.SUCCEEDED
    assert "Hi" in watched


@pytest.mark.usefixtures("token_of_alice")
async def test_it_keeps_the_longer_text_when_a_late_save_meets_the_end(alice: User) -> None:
    order = await start(alice, "words-2")
    for text in ("the whole answer", "the whole"):
        await in_thread(save_partials)(partials=[Partial(order.generation_id, text, "")], alive=[])

    assert (await in_thread(GenerationContent.objects.get)(pk=order.generation_id)).response_text == "the whole answer"


@pytest.mark.usefixtures("token_of_alice")
async def test_it_says_which_results_it_could_not_store(
    alice: User, start_runs: StartRuns, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("inference.runs.active.SAVING_SECONDS", 0.2)
    runs = await start_runs()
    order = await start(alice, "words-2")
    with psycopg.connect(**connection_parameters()) as other:
        other.execute("SELECT FROM telemetry_generation FOR UPDATE")
        runs.launch(order)
        await asyncio.sleep(0.2)
        await runs.close()

    assert "result_not_stored" in caplog.text and str(order.generation_id) in caplog.text


def test_it_does_not_write_a_long_text_again_and_again() -> None:
    """What is written in all stays in proportion to the text, however it grows; a short one is written at once."""
    saved = written = 0
    for length in range(100, 3_000_000, 100):
        if _is_worth_saving(length, saved):
            saved = length
            written += length if length > OFTEN_SAVED_CHARACTERS else 0
    assert written < 12 * 3_000_000
    assert _is_worth_saving(101, 100) and not _is_worth_saving(100, 100)
