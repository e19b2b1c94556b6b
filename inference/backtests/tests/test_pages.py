"""The pages of backtests."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.test import Client

from accounts.models import User
from inference.backtests.models import Backtest, BacktestCall, State
from inference.backtests.tests.conftest import MakeBacktest, Record
from prompts.drafts import Draft
from prompts.models import Prompt
from prompts.services import create_prompt, save_version
from telemetry.models import Generation, Status
from telemetry.prompt_use import PromptUse

pytestmark = pytest.mark.django_db(transaction=True)
ClientOf = Callable[[User], Client]
Run = Callable[..., Backtest]
FORM = {"sample": "50", "budget_usd": "1", "parallel": "4", "status": "succeeded", "range": "7d"}


def add(client: Client, **values: str) -> Any:
    return client.post("/backtests/add/", FORM | values)


def found_by(client: Client, **values: str) -> set[Any]:
    response = add(client, **values)
    if response.status_code == 422:
        return set()
    backtest = Backtest.objects.latest("created_at")
    return set(backtest.calls.values_list("call_id", flat=True))


@pytest.fixture
def prompt(alice: User) -> Prompt:
    prompt = create_prompt(owner=alice, name="triage", type="text", draft=Draft("Sort: {{ticket}}")).prompt
    save_version(prompt=prompt, author=alice, draft=Draft("Please sort: {{ticket}}"))
    return prompt


def test_filters_find_the_calls_to_replay(alice: User, prompt: Prompt, recorded: Record, client_of: ClientOf) -> None:
    client = client_of(alice)
    labelled = recorded(prompt=PromptUse(prompt.pk, "triage", 1, {"production": 1, "next": 2})).pk
    newer = recorded(prompt=PromptUse(prompt.pk, "triage", 2, {"production": 1})).pk
    failed = recorded(status=Status.FAILED).pk
    other = recorded(model="other").pk

    assert found_by(client) == {labelled, newer, other}
    assert found_by(client, status="failed") == {failed}
    assert found_by(client, prompt=str(prompt.pk), version="1") == {labelled}
    assert found_by(client, label="production") == {labelled}
    assert found_by(client, from_model="other") == {other}
    assert found_by(client, start="2199-01-01T00:00") == set()


def test_calls_of_others_and_replays_are_not_found(
    alice: User, bob: User, recorded: Record, make_backtest: MakeBacktest, run: Run, client_of: ClientOf
) -> None:
    recorded(user=bob)
    own = recorded()
    run(make_backtest([own]))
    assert Generation.objects.filter(user=alice).count() == 2
    assert found_by(client_of(alice)) == {own.pk}


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"budget_usd": "0"}, "The budget must be more than $0."),
        ({"budget_usd": "-1"}, "The budget must be more than $0."),
        ({"from_model": "nobody-uses-it"}, "No calls match."),
        ({"sample": "0"}, "greater than or equal to 1"),
        ({"target_version": "1"}, "Choose the prompt"),
        ({"provider": "openai"}, "Choose a provider and a model"),
        ({"provider": "openai", "model": "gpt-4o", "parameters": '{"heat": 1}'}, "takes no parameter"),
        ({"provider": "openai", "model": "gpt-4o", "parameters": '{"temperature": 9}'}, "from 0 to 2"),
        ({"call": "7e7e8a9c-7a3e-4a7c-9d3b-0a0a0a0a0a0a"}, "This call does not exist"),
        ({"call": "nothing"}, "This call does not exist"),
    ],
)
def test_what_cannot_be_is_said_in_the_form(
    alice: User, recorded: Record, client_of: ClientOf, values: dict[str, str], words: str
) -> None:
    recorded()
    response = add(client_of(alice), **values)
    assert response.status_code == 422 and words in response.content.decode()
    assert not Backtest.objects.exists()


def test_the_estimate_stands_before_the_start(alice: User, recorded: Record, client_of: ClientOf) -> None:
    recorded()
    page = client_of(alice).post("/backtests/add/", FORM, follow=True).content.decode()
    assert "Estimated cost" in page and "Start backtest" in page
    assert Backtest.objects.get().state == State.DRAFT


def test_calls_without_a_price_need_a_cap(alice: User, recorded: Record, client_of: ClientOf) -> None:
    recorded()
    client = client_of(alice)
    add(client, provider="openai", model="unknown-model")
    path = Backtest.objects.get().get_absolute_url()
    assert client.post(f"{path}start/").status_code == 422
    assert client.post(f"{path}start/", {"most_unpriced": "1"}).status_code == 302
    assert Backtest.objects.get().most_unpriced == 1


def test_it_runs_when_it_is_started_by_its_page(
    alice: User, recorded: Record, client_of: ClientOf, run_jobs: Callable[[], None]
) -> None:
    recorded(text="Where is my parcel?")
    client = client_of(alice)
    add(client)
    path = Backtest.objects.get().get_absolute_url()
    client.post(f"{path}start/")
    assert 'hx-trigger="every 1s"' in client.get(path).content.decode()
    run_jobs()
    page = client.get(path).content.decode()
    assert Backtest.objects.get().state == State.DONE
    assert "Where is my parcel?" in page and "every 1s" not in page


def test_a_row_opens_with_both_answers(
    alice: User, recorded: Record, make_backtest: MakeBacktest, run: Run, client_of: ClientOf
) -> None:
    backtest = run(make_backtest([recorded(answer="What was said then")]))
    row = backtest.calls.get()
    path = f"{backtest.get_absolute_url()}?open={row.pk}"
    page = client_of(alice).get(path).content.decode()
    part = client_of(alice).get(path, headers={"HX-Request": "true", "HX-Target": "results"}).content.decode()
    for shown in (page, part):
        assert "What" in shown and "View call details" in shown and f"/telemetry/{row.replay_id}/" in shown
    assert "<html" not in part


def test_rows_are_filtered_by_their_result(
    alice: User, recorded: Record, make_backtest: MakeBacktest, run: Run, client_of: ClientOf
) -> None:
    backtest = run(make_backtest([recorded(text="First"), recorded(text="Second")]))
    first, second = backtest.calls.all()
    BacktestCall.objects.filter(pk=first.pk).update(verdict="worse")
    BacktestCall.objects.filter(pk=second.pk).update(verdict="better")
    page = client_of(alice).get(f"{backtest.get_absolute_url()}?show=worse").content.decode()
    assert "First" in page and "Second" not in page


def test_a_reader_sees_it_and_cannot_steer_it(
    alice: User, bob: User, recorded: Record, make_backtest: MakeBacktest, client_of: ClientOf
) -> None:
    backtest = make_backtest([recorded()])
    Backtest.objects.update(visibility="everyone")
    client = client_of(bob)
    page = client.get(backtest.get_absolute_url())
    assert page.status_code == 200 and "Start backtest" not in page.content.decode()
    for step in ("start", "pause", "cancel", "share", "delete"):
        assert client.post(f"{backtest.get_absolute_url()}{step}/").status_code == 404


def test_one_call_is_replayed_from_its_page(alice: User, recorded: Record, client_of: ClientOf) -> None:
    calls = [recorded(), recorded()]
    client = client_of(alice)
    assert f"/backtests/add/?call={calls[0].pk}" in client.get(calls[0].get_absolute_url()).content.decode()
    assert "Replay one call" in client.get(f"/backtests/add/?call={calls[0].pk}").content.decode()
    client.post("/backtests/add/", {"call": str(calls[0].pk), "budget_usd": "1", "parallel": "1"})
    assert list(Backtest.objects.get().calls.values_list("call_id", flat=True)) == [calls[0].pk]


def test_a_version_is_backtested_from_its_page(alice: User, prompt: Prompt, client_of: ClientOf) -> None:
    client = client_of(alice)
    query = f"prompt={prompt.pk}&target_version=2"
    assert f"/backtests/add/?{query}".replace("&", "&amp;") in client.get(prompt.get_absolute_url()).content.decode()
    assert 'value="2"' in client.get(f"/backtests/add/?{query}").content.decode()


def body_of(response: Any) -> str:
    async def read() -> str:
        return b"".join([part async for part in response.streaming_content]).decode()

    return async_to_sync(read)()


def test_exports_have_a_line_for_each_call(
    alice: User, recorded: Record, make_backtest: MakeBacktest, run: Run, client_of: ClientOf
) -> None:
    backtest = run(make_backtest([recorded(answer="=1+1"), recorded()]))
    client = client_of(alice)
    rows = list(csv.DictReader(io.StringIO(body_of(client.get(f"{backtest.get_absolute_url()}export.csv")))))
    lines = body_of(client.get(f"{backtest.get_absolute_url()}export.jsonl")).splitlines()
    assert [row["answer_before"] for row in rows] == ["'=1+1", "Hello"]
    assert [json.loads(line)["answer_before"] for line in lines] == ["=1+1", "Hello"]
    assert {row["state"] for row in rows} == {"done"}


def test_two_backtests_are_compared_by_the_calls_of_both(
    alice: User, recorded: Record, make_backtest: MakeBacktest, run: Run, client_of: ClientOf
) -> None:
    calls = [recorded(text=f"Question {n}") for n in range(3)]
    one, two = run(make_backtest(calls[:2])), run(make_backtest(calls[1:]))
    page = client_of(alice).get(f"{one.get_absolute_url()}compare/?with={two.pk}").content.decode()
    assert "Question 1" in page and "Question 0" not in page and "Question 2" not in page


def test_a_backtest_that_runs_is_not_deleted(
    alice: User, recorded: Record, make_backtest: MakeBacktest, client_of: ClientOf
) -> None:
    backtest = make_backtest([recorded()])
    Backtest.objects.update(state=State.RUNNING)
    client_of(alice).post(f"{backtest.get_absolute_url()}delete/")
    assert Backtest.objects.exists()
    Backtest.objects.update(state=State.DONE)
    client_of(alice).post(f"{backtest.get_absolute_url()}delete/")
    assert not Backtest.objects.exists()
