"""Erasing somebody whose answer is being written."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from pathlib import Path

import pytest
from pytest_django import Settings

from accounts.models import User
from accounts.personal_data.erasure import erase_user
from audit.models import AuditDetails
from inference.models import Message
from inference.runs.database import in_thread
from inference.tests.conftest import StartRuns
from inference.tests.fake_provider import FakeProvider
from inference.tests.test_active_runs import start
from telemetry.models import ContextMessage, Generation, GenerationContent, Status
from tokens.services import add_token

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def _token(alice: User, fake: FakeProvider, quick_limits: None, settings: Settings, tmp_path: Path) -> None:
    settings.CHECKPOINT_DIR = tmp_path
    url = fake.base_url("openai")
    add_token(owner=alice, actor=None, provider="openai", label="fake", secret="sk-good-1234", base_url=url)


@pytest.mark.usefixtures("_token")
async def test_it_stops_the_call_and_keeps_figures_alone(
    alice: User, admin: User, start_runs: StartRuns, fake: FakeProvider
) -> None:
    runs = await start_runs()
    order = await start(alice, "endless")
    live = runs.launch(order)
    async with aclosing(live.follow()) as batches:
        await anext(batches)
    await runs.save()
    await in_thread(erase_user)(user=alice, actor=admin)
    assert await asyncio.to_thread(fake.last("endless").closed.wait, 3)
    await runs.drain(seconds=3)

    generation = await in_thread(Generation.objects.get)()
    assert (generation.user_id, generation.status) == (None, Status.STOPPED)
    assert generation.output_tokens and generation.usage_source == "estimated"
    assert not await in_thread(Message.objects.exists)()
    assert not await in_thread(GenerationContent.objects.exists)()
    assert not await in_thread(ContextMessage.objects.exists)()
    assert not await in_thread(AuditDetails.objects.filter(event__actor=alice.audit_id).exists)()
