"""Runs whose process has gone, or is taken to have gone."""

from __future__ import annotations

from contextlib import aclosing

import pytest

from accounts.models import User
from inference.runs.database import in_thread
from inference.runs.finish import Partial, interrupt_runs, save_partials
from inference.tests.conftest import StartRuns, until
from inference.tests.test_active_runs import start, stored, token_of_alice
from telemetry.models import Generation, Status

pytestmark = pytest.mark.django_db(transaction=True)
__all__ = ["token_of_alice"]


@pytest.mark.usefixtures("token_of_alice")
async def test_it_interrupts_runs_with_the_text_that_was_stored(alice: User) -> None:
    order = await start(alice, "words-5")
    await in_thread(save_partials)(partials=[Partial(order.generation_id, "as far as it came", "")], alive=[])

    assert await in_thread(interrupt_runs)(Generation.objects.running()) == 1
    generation = await stored(order)
    assert (generation.status, generation.message.text) == (Status.INTERRUPTED, "as far as it came")


@pytest.mark.usefixtures("token_of_alice")
async def test_it_interrupts_runs_with_newer_text_that_was_copied_to_redis(alice: User, start_runs: StartRuns) -> None:
    runs = await start_runs()
    order = await start(alice, "endless")
    live = runs.launch(order)
    async with aclosing(live.follow()) as batches:
        await anext(batches)
    shown = live.text()
    await runs._relay.copy()
    await in_thread(interrupt_runs)(Generation.objects.running())
    generation = await stored(order)

    assert generation.status == Status.INTERRUPTED
    assert generation.message.text.startswith(shown)


@pytest.mark.usefixtures("token_of_alice")
async def test_it_stores_the_result_of_a_run_that_was_taken_for_dead(alice: User, start_runs: StartRuns) -> None:
    runs = await start_runs()
    order = await start(alice, "words-20-every-20ms")
    live = runs.launch(order)
    async with aclosing(live.follow()) as batches:
        await anext(batches)
    await in_thread(interrupt_runs)(Generation.objects.running())

    async def succeeded() -> Generation | None:
        generation = await stored(order)
        return generation if generation.status == Status.SUCCEEDED else None

    generation = await until(succeeded)
    assert (generation.message.text, generation.error_type) == (live.text(), "")
    assert (generation.output_tokens, generation.usage_source) == (20, "reported")
