"""A call's record says exactly what was sent, whichever way the run was started; no message is stored twice for it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.utils import timezone

from accounts.models import User
from inference.conversations.sharing import copy_branch
from inference.models import Conversation
from inference.runs.database import in_thread
from inference.runs.finish import finish_run
from inference.runs.quick_start import QuickStart, ReadAhead, read_ahead
from inference.runs.start import RunRequest, StartedRun, as_sent, start_run
from telemetry.models import ContextMessage, GenerationContent, Status
from telemetry.services import CallOutcome

pytestmark = pytest.mark.django_db(transaction=True)
LONG_AGO = date(2020, 1, 1)


def form(parent_id: int | None = None, text: str | None = "Go on.", system: str = "Be brief.") -> RunRequest:
    return RunRequest("echo", "echo", text, parent_id, uuid4(), system)


def ahead_of(user: User, conversation_id: UUID) -> ReadAhead:
    ahead = read_ahead(User.objects.get(pk=user.pk), conversation_id, may_begin=True)
    assert ahead is not None
    return ahead


def sent_by(run: StartedRun) -> list[tuple[str, str]]:
    """Roles and texts, after a look at whether the record agrees with what the provider is sent."""
    assert run.order is not None
    sent = GenerationContent.objects.get(generation=run.order.generation_id).sent()
    assert sent == as_sent(run.order.request)
    return [(message.role, message.text) for message in sent]


def answer(run: StartedRun, text: str = "Well.") -> int:
    assert run.order is not None
    outcome = CallOutcome(status=Status.SUCCEEDED, text=text)
    assert finish_run(generation_id=run.order.generation_id, outcome=outcome, ended_at=timezone.now())
    return run.answer_id


def ask(user: User, conversation_id: UUID, form: RunRequest) -> StartedRun:
    started = start_run(user=user, conversation_id=conversation_id, is_new=True, form=form)
    assert started is not None
    return started


async def ask_quickly(quick: QuickStart, user: User, conversation_id: UUID, **changes: Any) -> tuple[StartedRun, int]:
    """One more question at the end, answered; and how many messages of its context were not stored before."""
    ahead = await in_thread(ahead_of)(user, conversation_id)
    before = await in_thread(ContextMessage.objects.count)()
    leaf = ahead.branch[-1].pk if ahead.branch else None
    run = await quick.start(ahead, form(leaf, **changes))
    assert run is not None
    await in_thread(answer)(run.started)
    return run.started, await in_thread(ContextMessage.objects.count)() - before


async def test_each_question_stores_the_last_answer_and_itself(quick_start: QuickStart, alice: User) -> None:
    conversation = uuid4()
    runs = [await ask_quickly(quick_start, alice, conversation) for _ in range(4)]
    sent = [await in_thread(sent_by)(run) for run, _ in runs]
    turns = [("system", "Be brief."), *[("user", "Go on."), ("assistant", "Well.")] * 4]
    assert sent == [turns[:2], turns[:4], turns[:6], turns[:8]]
    assert [new for _, new in runs] == [2, 2, 2, 2]


async def test_what_is_stored_already_is_not_sent_to_the_database_again(quick_start: QuickStart, alice: User) -> None:
    conversation = uuid4()
    for _ in range(3):
        await ask_quickly(quick_start, alice, conversation)
    ahead = await in_thread(ahead_of)(alice, conversation)
    assert [entry.digest in ahead.stored for entry in ahead.context] == [True] * 6 + [False]


async def test_another_system_prompt_is_another_context(quick_start: QuickStart, alice: User) -> None:
    conversation = uuid4()
    changes = [{}, {"system": ""}, {"system": "Be long."}]
    runs = [await ask_quickly(quick_start, alice, conversation, **each) for each in changes]
    sent = [await in_thread(sent_by)(run) for run, _ in runs]
    assert [messages[0] for messages in sent] == [("system", "Be brief."), ("user", "Go on."), ("system", "Be long.")]
    assert [len(messages) for messages in sent] == [2, 3, 6]


async def test_in_another_month_all_is_stored_again(quick_start: QuickStart, alice: User) -> None:
    conversation = uuid4()
    first, _ = await ask_quickly(quick_start, alice, conversation)
    for table in (ContextMessage, GenerationContent):
        await in_thread(table.objects.update)(period=LONG_AGO)
    ahead = await in_thread(ahead_of)(alice, conversation)
    stored = frozenset(entry.digest for entry in ahead.context)
    run = await quick_start.start(replace(ahead, period=LONG_AGO, stored=stored), form(first.answer_id))
    assert run is not None
    assert len(await in_thread(sent_by)(run.started)) == 4 and len(await in_thread(sent_by)(first)) == 2
    assert await in_thread(ContextMessage.objects.filter(period=LONG_AGO).count)() == 2


def test_edits_and_other_answers_send_their_own_branch(alice: User) -> None:
    conversation = uuid4()
    first = ask(alice, conversation, form())
    second = ask(alice, conversation, form(answer(first), text="Why?"))
    edited = ask(alice, conversation, form(first.answer_id, text="How?"))
    again = ask(alice, conversation, form(second.question_id, text=None))
    begun_anew = ask(alice, conversation, form(text="Hello?"))
    asked = [sent_by(run)[-1][1] for run in (first, second, edited, again, begun_anew)]
    assert asked == ["Go on.", "Why?", "How?", "Why?", "Hello?"]
    assert sent_by(second) == sent_by(again) and sent_by(second)[:3] == sent_by(edited)[:3]
    assert ContextMessage.objects.count() == 6


def test_a_copy_by_another_user_is_theirs(alice: User, bob: User) -> None:
    conversation = uuid4()
    leaf = answer(ask(alice, conversation, form()))
    copy = copy_branch(source=Conversation.objects.get(pk=conversation), leaf=leaf, actor=bob)
    run = ask(bob, copy.pk, form(copy.messages.latest("pk").pk, text="Why?"))
    assert [text for _, text in sent_by(run)] == ["Be brief.", "Go on.", "Well.", "Why?"]
    assert [ContextMessage.objects.filter(user=user).count() for user in (alice, bob)] == [2, 4]


def test_an_empty_answer_is_not_part_of_what_is_sent(alice: User) -> None:
    conversation = uuid4()
    first = ask(alice, conversation, form())
    run = ask(alice, conversation, form(answer(first, text=" "), text="Why?", system=""))
    assert sent_by(run) == [("user", "Go on."), ("user", "Why?")]
