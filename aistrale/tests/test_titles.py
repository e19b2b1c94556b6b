"""Titles by the model of a conversation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from pytest_django.fixtures import Settings

from aistrale.tests.sockets import Open, everything, new_path, question
from inference.models import Conversation
from inference.runs.database import in_thread
from inference.tests.fake_provider import FakeProvider
from telemetry.models import Generation, Status

if TYPE_CHECKING:
    from accounts.models import User

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def fake(settings: Settings) -> Iterator[FakeProvider]:
    settings.PROVIDER_HOSTS = ["127.0.0.1"]
    with FakeProvider() as provider:
        yield provider


@pytest.fixture
def endpoint(alice: User, fake: FakeProvider) -> str:
    from tokens.services import add_token

    alice.title_source = "model"
    alice.save()
    url = fake.base_url("openai")
    add_token(owner=alice, actor=None, provider="openai", label="Main", secret="sk-good-1234", base_url=url)
    return "openai"


async def test_it_takes_the_title_that_the_model_gives(alice: User, endpoint: str, open_socket: Open) -> None:
    socket, _, _ = await open_socket(alice, new_path(alice))
    await socket.send_to(question(provider=endpoint, model="words-3", **{"param-delay_ms": "", "param-length": ""}))
    await everything(socket, until='data-status="succeeded"')
    received = await everything(socket, until='id="page-url"')

    title = (await in_thread(Conversation.objects.get)()).title
    assert title != "Hello" and f'data-title="{title}"' in received
    calls = await in_thread(lambda: list(Generation.objects.values_list("status", flat=True)))()
    assert calls == [Status.SUCCEEDED] * 2


async def test_it_keeps_the_first_words_where_the_call_for_a_title_is_refused(
    alice: User, endpoint: str, open_socket: Open, settings: Settings
) -> None:
    from inference.chat.titles import start_title
    from inference.models import Message

    settings.LIMIT_RUNS_PER_MINUTE = 1
    socket, _, _ = await open_socket(alice, new_path(alice))
    await socket.send_to(question(provider=endpoint, model="words-3", **{"param-delay_ms": "", "param-length": ""}))
    await everything(socket, until='data-status="succeeded"')

    answer = await in_thread(lambda: Message.objects.get(role="assistant").pk)()
    assert await in_thread(start_title)(alice, answer) is None
    assert (await in_thread(Conversation.objects.get)()).title == "Hello"


async def test_it_asks_for_no_title_unless_the_user_wants_it(
    alice: User, bob: User, endpoint: str, open_socket: Open
) -> None:
    from inference.chat.titles import Titles, start_title
    from inference.models import Message

    alice.title_source = "words"
    await in_thread(alice.save)()
    socket, _, _ = await open_socket(alice, new_path(alice))
    await socket.send_to(question(provider=endpoint, model="words-3", **{"param-delay_ms": "", "param-length": ""}))
    await everything(socket, until='data-status="succeeded"')
    answer = await in_thread(lambda: Message.objects.get(role="assistant").pk)()

    from aistrale.process import runs

    assert await Titles().make(runs, alice, answer) is None
    assert await in_thread(start_title)(bob, answer) is None
