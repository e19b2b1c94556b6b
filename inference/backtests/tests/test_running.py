"""Running backtests: within the budget, each call once, whatever stops in between."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from decimal import Decimal
from uuid import uuid4

import pytest
from pytest_django.fixtures import Settings

from accounts.models import User
from accounts.personal_data.erasure import erase_user
from inference.attachments.checks import check
from inference.attachments.services import store_file
from inference.backtests import personal, running
from inference.backtests.claiming import take_step
from inference.backtests.models import Backtest, CallState, State
from inference.backtests.services import (
    BacktestRefused,
    cancel_backtest,
    pause_backtest,
    run_again,
    start_backtest,
)
from inference.backtests.tests.conftest import MakeBacktest, Record
from inference.runs.database import in_thread
from inference.tests import files
from inference.tests.conftest import until
from inference.tests.fake_provider import FakeProvider
from prompts.drafts import Draft
from prompts.services import create_prompt, save_version
from telemetry.context import SentMessage, canonical
from telemetry.models import Generation, GenerationContent, Status
from telemetry.prompt_use import PromptUse
from tokens.models import ProviderToken

pytestmark = pytest.mark.django_db(transaction=True)
Run = Callable[..., Backtest]
Priced = Callable[[str], None]


def states(backtest: Backtest) -> list[str]:
    return list(backtest.calls.values_list("state", flat=True))


def asked(fake: FakeProvider, model: str) -> int:
    return len(fake.calls(model))


def test_it_replays_each_call_with_what_it_sent(recorded: Record, make_backtest: MakeBacktest, run: Run) -> None:
    calls = [recorded(text=f"Question {n}") for n in range(5)]
    backtest = run(make_backtest(calls, parallel=2))

    assert backtest.state == State.DONE and set(states(backtest)) == {CallState.DONE}
    sent = {row.call_id: GenerationContent.objects.get(generation=row.replay_id).sent() for row in backtest.calls.all()}
    assert {pk: messages[-1].text for pk, messages in sent.items()} == {
        call.pk: f"Question {n}" for n, call in enumerate(calls)
    }


def test_it_never_makes_more_calls_at_once_than_it_may(
    key: None, fake: FakeProvider, priced: Priced, recorded: Record, make_backtest: MakeBacktest
) -> None:
    priced("words-3-every-200ms")
    backtest = make_backtest(
        [recorded() for _ in range(6)], model="words-3-every-200ms", parallel=2, budget_usd=Decimal(500)
    )
    start_backtest(backtest=backtest, actor=backtest.owner)
    most = 0

    async def watch() -> None:
        nonlocal most
        job = asyncio.create_task(running.run(backtest.pk))
        while not job.done():
            count = await in_thread(Generation.objects.running().count)()
            most = max(most, count)
            await asyncio.sleep(0.05)
        await job

    asyncio.run(watch())
    assert most == 2 and asked(fake, "words-3-every-200ms") == 6


def test_it_stops_before_the_budget_is_passed(
    key: None, fake: FakeProvider, priced: Priced, recorded: Record, make_backtest: MakeBacktest, run: Run
) -> None:
    """Each replay can cost USD 8.192 for its output and some cents for its input, and costs far less."""
    priced("words-3")
    backtest = make_backtest([recorded() for _ in range(3)], model="words-3", budget_usd=Decimal("8.22"), parallel=2)
    backtest = run(backtest)

    assert backtest.state == State.OVER_BUDGET and "budget" in backtest.note
    assert 0 < asked(fake, "words-3") < 3
    assert backtest.used_usd <= backtest.budget_usd
    assert states(backtest).count(CallState.WAITING) == 3 - asked(fake, "words-3")


def test_what_a_replay_may_answer_is_bounded_as_it_is_counted(
    key: None, fake: FakeProvider, priced: Priced, recorded: Record, make_backtest: MakeBacktest, run: Run
) -> None:
    priced("words-3")
    run(make_backtest([recorded()], model="words-3", budget_usd=Decimal(100)))
    body = fake.last("words-3").body
    assert [value for name, value in body.items() if "max" in name] == [4096]


def test_models_without_a_price_need_consent_and_a_cap(
    key: None, fake: FakeProvider, recorded: Record, make_backtest: MakeBacktest, run: Run
) -> None:
    backtest = make_backtest([recorded() for _ in range(4)], model="words-3", parallel=1)
    assert backtest.estimate["unpriced"] == 4
    with pytest.raises(BacktestRefused, match="no known price"):
        start_backtest(backtest=backtest, actor=backtest.owner)
    assert run(backtest, most_unpriced=2).state == State.OVER_BUDGET
    assert asked(fake, "words-3") == 2


def test_a_backtest_of_nothing_is_refused(make_backtest: MakeBacktest) -> None:
    with pytest.raises(BacktestRefused, match="No calls match"):
        make_backtest([])
    assert not Backtest.objects.exists()


def test_a_refused_key_pauses_it_after_the_calls_that_ran(
    alice: User, key: None, fake: FakeProvider, priced: Priced, recorded: Record, make_backtest: MakeBacktest, run: Run
) -> None:
    from tokens.services import replace_secret

    priced("words-3")
    replace_secret(token=ProviderToken.objects.get(), actor=None, secret="bad-key-1234")
    backtest = make_backtest([recorded() for _ in range(8)], model="words-3", parallel=2, budget_usd=Decimal(100))
    backtest = run(backtest)

    assert backtest.state == State.PAUSED and "Invalid API key" in backtest.note
    assert states(backtest).count(CallState.FAILED) <= 2 and states(backtest).count(CallState.WAITING) >= 6


def test_a_model_that_is_gone_pauses_it(
    key: None, fake: FakeProvider, priced: Priced, recorded: Record, make_backtest: MakeBacktest, run: Run
) -> None:
    priced("status-404")
    backtest = run(make_backtest([recorded() for _ in range(5)], model="status-404", budget_usd=Decimal(100)))
    assert backtest.state == State.PAUSED and "Model not found" in backtest.note


def test_it_says_so_where_there_is_no_key(recorded: Record, make_backtest: MakeBacktest, run: Run) -> None:
    backtest = run(make_backtest([recorded()], model="gpt-4o"))
    assert backtest.state == State.PAUSED and "no key for this provider" in backtest.note
    assert states(backtest) == [CallState.WAITING]


def test_a_limit_of_its_user_makes_it_wait(recorded: Record, make_backtest: MakeBacktest, settings: Settings) -> None:
    settings.LIMIT_OPEN_RUNS = 2
    backtest = make_backtest([recorded() for _ in range(5)], parallel=4)
    start_backtest(backtest=backtest, actor=backtest.owner)
    assert len(take_step(backtest.pk).orders) == 2
    backtest.refresh_from_db()
    assert backtest.state == State.RUNNING and backtest.note.startswith("Waiting: ")


def test_a_pause_lets_calls_end_and_starts_no_other(recorded: Record, make_backtest: MakeBacktest, run: Run) -> None:
    backtest = make_backtest([recorded() for _ in range(3)], parallel=1)
    start_backtest(backtest=backtest, actor=backtest.owner)
    assert len(take_step(backtest.pk).orders) == 1
    pause_backtest(backtest=backtest, actor=backtest.owner)
    step = take_step(backtest.pk)
    assert not step.orders and not step.stopped and not step.is_over
    Generation.objects.running().update(status=Status.SUCCEEDED, ended_at="2026-01-01T00:00Z")
    assert take_step(backtest.pk).is_over
    assert states(backtest) == [CallState.DONE, CallState.WAITING, CallState.WAITING]
    backtest.refresh_from_db()
    assert set(states(run(backtest))) == {CallState.DONE}


def test_a_cancelled_one_stops_what_runs(
    key: None, fake: FakeProvider, priced: Priced, recorded: Record, make_backtest: MakeBacktest
) -> None:
    priced("endless")
    backtest = make_backtest([recorded() for _ in range(3)], model="endless", parallel=2, budget_usd=Decimal(100))
    start_backtest(backtest=backtest, actor=backtest.owner)

    async def cancel() -> None:
        job = asyncio.create_task(running.run(backtest.pk))
        await until(in_thread(lambda: Generation.objects.running().count() == 2))
        await in_thread(cancel_backtest)(backtest=backtest, actor=backtest.owner)
        await asyncio.wait_for(job, 10)

    asyncio.run(cancel())
    assert states(backtest) == [CallState.STOPPED, CallState.STOPPED, CallState.WAITING]
    assert not Generation.objects.running().exists()


def test_a_worker_that_is_told_to_stop_lets_its_calls_end_and_starts_no_other(
    key: None, fake: FakeProvider, priced: Priced, recorded: Record, make_backtest: MakeBacktest, run: Run
) -> None:
    priced("words-3-every-200ms")
    calls = [recorded() for _ in range(4)]
    backtest = make_backtest(calls, model="words-3-every-200ms", parallel=2, budget_usd=Decimal(100))
    start_backtest(backtest=backtest, actor=backtest.owner)

    async def stop_early() -> None:
        job = asyncio.create_task(running.run(backtest.pk))
        await until(in_thread(lambda: Generation.objects.running().count() == 2))
        running.stop()
        await asyncio.wait_for(job, 10)

    asyncio.run(stop_early())
    assert states(backtest) == [CallState.DONE, CallState.DONE, CallState.WAITING, CallState.WAITING]
    assert set(states(run(backtest))) == {CallState.DONE}


def test_a_call_whose_process_died_is_shown_and_never_made_again_by_itself(
    key: None,
    fake: FakeProvider,
    priced: Priced,
    recorded: Record,
    make_backtest: MakeBacktest,
    run: Run,
    settings: Settings,
) -> None:
    settings.RUN_SILENCE_SECONDS = 0.3
    priced("words-3")
    backtest = make_backtest([recorded() for _ in range(2)], model="words-3", parallel=1, budget_usd=Decimal(100))
    start_backtest(backtest=backtest, actor=backtest.owner)
    [lost] = take_step(backtest.pk).orders
    Generation.objects.filter(pk=lost.generation_id).update(process_id=1)
    reserved = backtest.calls.get(position=1).reserved_usd

    assert states(run(backtest)) == [CallState.INTERRUPTED, CallState.DONE]
    assert asked(fake, "words-3") == 1
    first = backtest.calls.get(position=1)
    assert first.cost_usd == reserved

    run_again(row=first, actor=backtest.owner)
    backtest.refresh_from_db()
    assert set(states(run(backtest))) == {CallState.DONE} and backtest.lost_usd == reserved
    assert asked(fake, "words-3") == 2


def test_a_call_with_an_answer_is_not_run_again(recorded: Record, make_backtest: MakeBacktest, run: Run) -> None:
    backtest = run(make_backtest([recorded()]))
    with pytest.raises(BacktestRefused):
        run_again(row=backtest.calls.get(), actor=backtest.owner)


def test_what_is_no_longer_kept_is_said_in_its_row(recorded: Record, make_backtest: MakeBacktest, run: Run) -> None:
    calls = [recorded(), recorded()]
    GenerationContent.objects.filter(generation=calls[0]).delete()
    backtest = run(make_backtest(calls))
    assert states(backtest) == [CallState.SKIPPED, CallState.DONE]
    assert "no longer kept" in backtest.calls.get(position=1).problem


def test_calls_of_others_are_not_replayed(bob: User, recorded: Record, make_backtest: MakeBacktest, run: Run) -> None:
    assert states(run(make_backtest([recorded(user=bob)]))) == [CallState.SKIPPED]


class TestVersions:
    @pytest.fixture
    def calls(self, alice: User, recorded: Record) -> list[Generation]:
        prompt = create_prompt(owner=alice, name="triage", type="text", draft=Draft("Sort: {{ticket}}")).prompt
        save_version(prompt=prompt, author=alice, draft=Draft("Please sort this: {{ticket}}!"), message="Politer")
        use = PromptUse(prompt.pk, "triage", 1)
        return [recorded(text=text, prompt=use) for text in ("Sort: It burns", "Something else")]

    def test_they_are_filled_with_what_the_original_was(
        self, calls: list[Generation], make_backtest: MakeBacktest, run: Run
    ) -> None:
        from prompts.models import Prompt

        backtest = run(make_backtest(calls, prompt=Prompt.objects.get(), target_version=2))
        done, skipped = backtest.calls.all()
        assert done.replay_id is not None
        assert GenerationContent.objects.get(generation=done.replay_id).sent()[-1] == SentMessage(
            "user", "Please sort this: It burns!"
        )
        assert Generation.objects.get(pk=done.replay_id).prompt_version == 2
        assert skipped.state == CallState.SKIPPED and "not those of the version" in skipped.problem

    def test_a_prompt_that_was_deleted_meanwhile_ends_it(
        self, calls: list[Generation], make_backtest: MakeBacktest, run: Run
    ) -> None:
        from prompts.models import Prompt

        backtest = make_backtest(calls, prompt=Prompt.objects.get(), target_version=2)
        Prompt.objects.all().delete()
        backtest = run(backtest)
        assert backtest.state == State.CANCELLED and "was deleted" in backtest.note
        assert set(states(backtest)) == {CallState.WAITING}


def test_the_sample_is_the_same_for_the_same_seed(recorded: Record, make_backtest: MakeBacktest) -> None:
    calls = [recorded() for _ in range(20)]
    drawn = [
        list(make_backtest(calls, sample=5, seed=seed).calls.values_list("call_id", flat=True)) for seed in (1, 1, 2)
    ]
    assert drawn[0] == drawn[1] != drawn[2] and len(set(drawn[0])) == 5


def test_a_job_of_a_backtest_that_is_gone_ends(alice: User) -> None:
    asyncio.run(running.run(uuid4()))


def test_it_stops_at_tool_calls_and_compares_them(
    key: None, fake: FakeProvider, priced: Priced, recorded: Record, make_backtest: MakeBacktest, run: Run
) -> None:
    priced("tools")
    offered = [
        {"name": name, "description": "", "parameters": {"type": "object"}} for name in ("get_weather", "get_time")
    ]
    sent = [SentMessage("tools", json.dumps(offered)), SentMessage("user", "How is it in Paris?")]
    wanted = [
        {"id": "1", "name": "get_time", "arguments": "{}", "signature": ""},
        {"id": "2", "name": "get_weather", "arguments": '{ "city":"Paris" }', "signature": ""},
    ]
    calls = [recorded(sent=sent, tool_calls=wanted), recorded(sent=sent)]
    backtest = run(make_backtest(calls, model="tools", budget_usd=Decimal(100)))

    assert asked(fake, "tools") == 2
    measures = [row.measures["tools"] for row in backtest.calls.all()]
    assert [(one["are_same"], one["verdict"]) for one in measures] == [(True, "same"), (False, "same")]
    assert [tool["function"]["name"] for tool in fake.last("tools").body["tools"]] == ["get_weather", "get_time"]


def test_answers_are_held_to_the_schema_that_was_sent(recorded: Record, make_backtest: MakeBacktest, run: Run) -> None:
    sent = [SentMessage("schema", '{"type": "object"}'), SentMessage("user", "Hi")]
    backtest = run(make_backtest([recorded(sent=sent, answer="{}"), recorded(sent=sent, answer="no JSON")]))
    assert [(row.measures["schema"]["before"], row.measures["schema"]["after"]) for row in backtest.calls.all()] == [
        (True, True),
        (False, True),
    ]
    last = backtest.calls.get(position=2)
    assert (last.verdict, last.decided_by) == ("better", "schema")


def test_files_are_sent_again_as_long_as_they_are_stored(
    alice: User,
    key: None,
    fake: FakeProvider,
    priced: Priced,
    recorded: Record,
    make_backtest: MakeBacktest,
    run: Run,
) -> None:
    priced("words-3")
    file = store_file(user=alice, checked=check(files.image(), "cat.png"))
    extras = [
        canonical({"attachments": [{"digest": digest, "name": "cat.png", "media_type": "image/png"}]})
        for digest in (file.digest, "0" * 64)
    ]
    calls = [recorded(sent=[SentMessage("user", "What is it?", extra)]) for extra in extras]
    backtest = run(make_backtest(calls, model="words-3", budget_usd=Decimal(100)))
    assert states(backtest) == [CallState.DONE, CallState.SKIPPED]
    assert "data:image/png;base64," in json.dumps(fake.last("words-3").body)
    assert "no longer stored" in backtest.calls.get(position=2).problem


def test_backtests_are_exported_and_erased_with_their_owner(
    alice: User, admin: User, recorded: Record, make_backtest: MakeBacktest, run: Run
) -> None:
    backtest = run(make_backtest([recorded()]))
    rows = list(personal.export(alice))
    assert [row["kind"] for row in rows] == ["backtest", "backtest call"]
    assert rows[1]["replay_id"] == backtest.calls.get().replay_id
    erase_user(user=alice, actor=admin)
    assert not Backtest.objects.exists()
