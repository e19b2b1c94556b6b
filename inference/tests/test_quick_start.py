"""Runs that are started by one statement: the same rows as step by step, and none where anything has changed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import OperationalError, connection, transaction
from django.utils import timezone
from pytest_django.fixtures import Settings

from accounts.models import Role as UserRole
from accounts.models import User
from audit import chain
from audit.models import AuditEvent
from audit.verification import stored_entries
from inference.models import Conversation, Message, Role
from inference.runs.database import in_thread
from inference.runs.finish import finish_run
from inference.runs.quick_start import QuickRun, QuickStart, ReadAhead, read_ahead
from inference.runs.start import RunRefused, RunRequest, start_run
from telemetry.models import Generation, GenerationContent, Status
from telemetry.pricing import TokenCounts
from telemetry.prompt_use import PromptUse
from telemetry.services import CallOutcome
from tokens.checks import TokenState
from tokens.models import ProviderToken
from tokens.services import add_token, delete_token, make_default, replace_secret

pytestmark = pytest.mark.django_db(transaction=True)
SECRET = "sk-quick-0123456789"
# What differs between any two rows, or between any two conversations.
OWN = {"id", "conversation", "parent", "generation", "client"}
OWN |= {"created_at", "updated_at", "started_at", "heartbeat_at", "ended_at"}


@pytest.fixture
def token(alice: User) -> ProviderToken:
    return add_token(owner=alice, actor=None, provider="openai", label="Main", secret=SECRET)


def form(parent_id: int | None = None, **changes: Any) -> RunRequest:
    values: dict[str, Any] = {"provider": "openai", "model": "m-1", "text": "Hello\nthere", "system": "Be brief."}
    values |= {"parent_id": parent_id, "client_id": uuid4(), "parameters": {"temperature": 0.5}}
    return RunRequest(**(values | changes))


def answered(user: User, conversation_id: UUID) -> int:
    """A conversation with one answer that has ended, which is its leaf."""
    started = start_run(user=user, conversation_id=conversation_id, is_new=True, form=form())
    assert started is not None and started.order is not None
    outcome = CallOutcome(status=Status.SUCCEEDED, text="Hi")
    order = started.order
    finish_run(generation_id=order.generation_id, outcome=outcome, ended_at=timezone.now())
    return started.answer_id


@pytest.mark.django_db(transaction=True)
def test_a_run_ends_in_three_round_trips(alice: User, django_assert_num_queries: Any) -> None:
    add_token(owner=alice, actor=None, provider="openai", label="Work", secret="sk-good-1234")
    ProviderToken.objects.update(state=TokenState.WORKING)
    started = start_run(user=alice, conversation_id=uuid4(), is_new=True, form=form())
    assert started is not None and started.order is not None
    order, outcome = started.order, CallOutcome(status=Status.SUCCEEDED, text="Hi", tokens=TokenCounts(input=1))
    with django_assert_num_queries(3) as queries:
        assert finish_run(generation_id=order.generation_id, outcome=outcome, ended_at=timezone.now())
    assert "BEGIN" not in {query["sql"] for query in queries}
    assert Message.objects.get(generation=order.generation_id).text == "Hi"


def ahead_of(user: User, conversation_id: UUID) -> ReadAhead:
    ahead = read_ahead(User.objects.get(pk=user.pk), conversation_id, may_begin=True)
    assert ahead is not None
    return ahead


def rows_of(conversation_id: UUID) -> list[list[dict[str, Any]]]:
    """All that is stored of a conversation, without what differs anyway."""
    runs = Generation.objects.filter(conversation_id=conversation_id).order_by("started_at")
    sets: list[Any] = [
        Conversation.objects.filter(pk=conversation_id).values(),
        Message.objects.filter(conversation=conversation_id).order_by("pk").values(),
        runs.values(),
        GenerationContent.objects.filter(generation__in=runs).order_by("generation__started_at").values(),
    ]
    return [[{name: row[name] for name in row if name.removesuffix("_id") not in OWN} for row in rows] for rows in sets]


def chain_violation() -> chain.Violation | None:
    with transaction.atomic():
        return chain.verify(stored_entries()).violation


async def begun(quick_start: QuickStart, alice: User, conversation_id: UUID, form: RunRequest) -> QuickRun | None:
    ahead = await in_thread(ahead_of)(alice, conversation_id)
    return await quick_start.start(ahead, form) if ahead.fits(form) else None


@pytest.mark.usefixtures("token")
@pytest.mark.parametrize("is_new", [True, False])
async def test_it_stores_what_the_way_step_by_step_stores(quick_start: QuickStart, alice: User, is_new: bool) -> None:
    quick, slow = uuid4(), uuid4()
    leaves = [None, None] if is_new else [await in_thread(answered)(alice, pk) for pk in (quick, slow)]
    run = await begun(quick_start, alice, quick, form(leaves[0]))
    step_by_step = await in_thread(start_run)(user=alice, conversation_id=slow, is_new=is_new, form=form(leaves[1]))

    assert run is not None and step_by_step is not None and step_by_step.order is not None
    assert await in_thread(rows_of)(quick) == await in_thread(rows_of)(slow)
    order = run.started.order
    assert order is not None and order.request == step_by_step.order.request
    assert (order.api_key, order.base_url, order.provider) == (SECRET, None, "openai")


@pytest.mark.usefixtures("token")
async def test_it_records_the_prompt_as_the_way_step_by_step_does(quick_start: QuickStart, alice: User) -> None:
    quick, slow, prompt = uuid4(), uuid4(), PromptUse(uuid4(), "support/triage", 7, {"production": 7, "staging": 8})
    await begun(quick_start, alice, quick, form(prompt=prompt))
    await in_thread(start_run)(user=alice, conversation_id=slow, is_new=True, form=form(prompt=prompt))

    assert await in_thread(rows_of)(quick) == await in_thread(rows_of)(slow)
    call = await in_thread(Generation.objects.get)(conversation_id=quick)
    assert (call.prompt_id, call.prompt_name, call.prompt_version) == (prompt.id, "support/triage", 7)
    assert call.prompt_labels == {"production": 7, "staging": 8}
    assert call.labels_then == ["production"]


@pytest.mark.usefixtures("token")
async def test_it_says_which_rows_it_has_made(quick_start: QuickStart, alice: User) -> None:
    run = await begun(quick_start, alice, uuid4(), form())

    assert run is not None and run.started.order is not None
    question, answer = await in_thread(lambda: list(Message.objects.order_by("pk")))()
    assert (question.pk, answer.pk) == (run.question.pk, run.answer.pk)
    assert (run.started.question_id, run.started.answer_id) == (question.pk, answer.pk)
    assert (answer.parent_id, answer.generation_id) == (question.pk, run.started.order.generation_id)
    assert (question.role, answer.role) == (Role.USER, Role.ASSISTANT)


@pytest.mark.usefixtures("token")
async def test_it_says_the_title_that_the_conversation_has_by_now(quick_start: QuickStart, alice: User) -> None:
    conversation = uuid4()
    leaf = await in_thread(answered)(alice, conversation)
    ahead = await in_thread(ahead_of)(alice, conversation)
    await in_thread(Conversation.objects.filter(pk=conversation).update)(title="Renamed")
    run = await quick_start.start(ahead, form(leaf))

    assert run is not None and run.conversation.title == "Renamed"


async def test_it_leaves_one_entry_that_names_the_token(
    quick_start: QuickStart, alice: User, token: ProviderToken
) -> None:
    before = await in_thread(AuditEvent.objects.count)()
    run = await begun(quick_start, alice, uuid4(), form())

    assert run is not None
    entry = await in_thread(AuditEvent.objects.select_related("details").latest)("sequence")
    assert (entry.sequence, run.audit_sequence) == (before + 1, before + 1)
    assert (entry.action, entry.actor, entry.owner) == ("inference:run:start", alice.audit_id, alice.audit_id)
    assert entry.after["token_id"] == str(token.pk) and SECRET not in entry.body + entry.details.content
    assert entry.details.personal["actor"] == alice.email
    assert await in_thread(chain_violation)() is None


async def test_it_needs_no_token_where_none_is_needed(quick_start: QuickStart, alice: User) -> None:
    assert await begun(quick_start, alice, uuid4(), form(provider="echo", model="echo")) is not None
    assert await begun(quick_start, alice, uuid4(), form()) is None


Change = Callable[[User, ProviderToken, UUID], object]


def another_default(alice: User, token: ProviderToken, conversation: UUID) -> None:
    other = add_token(owner=alice, actor=None, provider="openai", label="Other", secret="sk-other-0123456789")
    make_default(token=other, actor=alice)


def one_more_answer(alice: User, token: ProviderToken, conversation: UUID) -> None:
    leaf = Message.objects.filter(conversation=conversation).latest("pk")
    start_run(user=alice, conversation_id=conversation, is_new=False, form=form(leaf.pk))


def an_answer_that_still_comes(alice: User, token: ProviderToken, conversation: UUID) -> None:
    Generation.objects.filter(conversation_id=conversation).update(status=Status.RUNNING, ended_at=None)


def another_owner(alice: User, token: ProviderToken, conversation: UUID) -> None:
    other = User.objects.create_user(email="other@example.org")
    Conversation.objects.filter(pk=conversation).update(owner=other)


CHANGES: dict[str, Change] = {
    "a user who is deactivated": lambda alice, *_: User.objects.filter(pk=alice.pk).update(is_active=False),
    "another role": lambda alice, *_: User.objects.filter(pk=alice.pk).update(role=UserRole.ADMINISTRATOR),
    "another password": lambda alice, *_: User.objects.filter(pk=alice.pk).update(password="new"),
    "another secret": lambda alice, token, _: replace_secret(token=token, actor=alice, secret="sk-new-0123456789"),
    "another default token": another_default,
    "no token": lambda alice, token, _: delete_token(token=token, actor=alice),
    "no conversation": lambda alice, token, pk: Conversation.objects.filter(pk=pk).delete(),
    "somebody else's conversation": another_owner,
    "one more answer": one_more_answer,
    "an answer that still comes": an_answer_that_still_comes,
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
async def test_it_starts_nothing_where_anything_is_otherwise(
    quick_start: QuickStart, alice: User, token: ProviderToken, change: Change
) -> None:
    conversation = uuid4()
    leaf = await in_thread(answered)(alice, conversation)
    ahead = await in_thread(ahead_of)(alice, conversation)
    await in_thread(change)(alice, token, conversation)
    before = await in_thread(rows_of)(conversation), await in_thread(AuditEvent.objects.count)()

    assert ahead.fits(asked := form(leaf))
    assert await quick_start.start(ahead, asked) is None
    assert (await in_thread(rows_of)(conversation), await in_thread(AuditEvent.objects.count)()) == before


@pytest.mark.usefixtures("token")
@pytest.mark.parametrize("limit", ["LIMIT_OPEN_RUNS", "LIMIT_OPEN_RUNS_IN_ALL", "LIMIT_RUNS_PER_MINUTE"], ids=str.lower)
async def test_it_starts_nothing_beyond_a_limit(
    quick_start: QuickStart, alice: User, settings: Settings, limit: str
) -> None:
    for name in ("LIMIT_OPEN_RUNS", "LIMIT_OPEN_RUNS_IN_ALL", "LIMIT_RUNS_PER_MINUTE"):
        setattr(settings, name, 0)
    setattr(settings, limit, 2)
    started = [await begun(quick_start, alice, uuid4(), form()) for _ in range(3)]

    assert [run is not None for run in started] == [True, True, False]


@pytest.mark.usefixtures("token")
async def test_a_form_that_comes_twice_is_one_run(quick_start: QuickStart, alice: User) -> None:
    conversation, asked = uuid4(), form()
    ahead = await in_thread(ahead_of)(alice, conversation)

    assert await quick_start.start(ahead, asked) is not None
    assert await quick_start.start(ahead, asked) is None
    assert await in_thread(Generation.objects.count)() == 1


DIES_AT_THE_COMMIT = """
CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS
  $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); PERFORM pg_sleep(1); RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER dies AFTER INSERT ON inference_conversation
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION die()
"""
SLEEPS = """
CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(3); RETURN NEW; END $$;
CREATE TRIGGER dies BEFORE INSERT ON inference_conversation FOR EACH ROW EXECUTE FUNCTION die()
"""
LIVES_ON = "DROP TRIGGER IF EXISTS dies ON inference_conversation; DROP FUNCTION IF EXISTS die()"


def execute(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.fixture
def dies_at_the_commit() -> Iterator[None]:
    execute(DIES_AT_THE_COMMIT)
    yield
    execute(LIVES_ON)


@pytest.fixture
def sleeps() -> Iterator[None]:
    execute(SLEEPS)
    yield
    execute(LIVES_ON)


@pytest.mark.usefixtures("token", "sleeps")
async def test_a_server_that_is_silent_is_left_and_stores_nothing_later(quick_start: QuickStart, alice: User) -> None:
    """The connection stays open until nobody watches it: uvloop ends the process otherwise."""
    ahead = await in_thread(ahead_of)(alice, uuid4())
    with pytest.raises(OperationalError, match="does not answer") as raised:
        await quick_start.start(ahead, form())
    assert "closed" in str(raised.value.__cause__)
    await asyncio.sleep(1.5)
    assert not await in_thread(Generation.objects.exists)()


@pytest.mark.usefixtures("token", "dies_at_the_commit")
async def test_a_connection_that_is_lost_at_the_commit_is_an_outage(quick_start: QuickStart, alice: User) -> None:
    """Not a refusal, after which the way step by step might store the same once more."""
    conversation, asked = uuid4(), form()
    ahead = await in_thread(ahead_of)(alice, conversation)
    with pytest.raises(OperationalError, match="lost while a run was stored"):
        await quick_start.start(ahead, asked)
    assert not await in_thread(Generation.objects.exists)()

    await in_thread(execute)(LIVES_ON)
    assert await quick_start.start(ahead, asked) is not None


@pytest.mark.usefixtures("token")
async def test_it_fits_only_a_new_question_at_the_end(alice: User) -> None:
    conversation = uuid4()
    leaf = await in_thread(answered)(alice, conversation)
    ahead = await in_thread(ahead_of)(alice, conversation)

    assert ahead.fits(form(leaf))
    assert not ahead.fits(form(leaf - 1, text=None))
    assert not ahead.fits(form())
    assert not ahead.fits(form(leaf, provider="groq"))


@pytest.mark.usefixtures("token")
async def test_it_reads_nothing_ahead_for_who_may_not_ask(alice: User, bob: User) -> None:
    conversation = uuid4()
    await in_thread(answered)(alice, conversation)

    assert await in_thread(read_ahead)(bob, conversation, may_begin=True) is None
    assert await in_thread(read_ahead)(alice, uuid4(), may_begin=False) is None


def second_key(owner: User) -> ProviderToken:
    """One that is not the default."""
    return add_token(owner=owner, actor=None, provider="openai", label="Second", secret="sk-second-0123456789")


async def test_it_calls_with_the_key_that_was_chosen(
    quick_start: QuickStart, alice: User, token: ProviderToken
) -> None:
    chosen, pk = await in_thread(second_key)(alice), uuid4()
    run = await begun(quick_start, alice, pk, form(token_id=chosen.pk))
    assert run is not None and run.started.order is not None
    assert run.started.order.api_key == "sk-second-0123456789"
    conversation = await in_thread(Conversation.objects.get)(pk=pk)
    call = await in_thread(Generation.objects.get)(conversation_id=pk)
    assert (conversation.token_id, call.token_id, call.token_label) == (chosen.pk, chosen.pk, "Second")


async def test_the_same_is_stored_step_by_step_for_a_chosen_key(
    quick_start: QuickStart, alice: User, token: ProviderToken
) -> None:
    chosen, quick, slow = await in_thread(second_key)(alice), uuid4(), uuid4()
    assert await begun(quick_start, alice, quick, form(token_id=chosen.pk))
    await in_thread(start_run)(user=alice, conversation_id=slow, is_new=True, form=form(token_id=chosen.pk))
    assert await in_thread(rows_of)(quick) == await in_thread(rows_of)(slow)


async def test_it_stores_nothing_when_the_chosen_key_is_gone_meanwhile(
    quick_start: QuickStart, alice: User, token: ProviderToken
) -> None:
    chosen, pk = await in_thread(second_key)(alice), uuid4()
    ahead = await in_thread(ahead_of)(alice, pk)
    await in_thread(delete_token)(token=chosen, actor=None)
    assert await quick_start.start(ahead, form(token_id=chosen.pk)) is None
    assert not await in_thread(Conversation.objects.filter(pk=pk).exists)()


def test_a_key_that_is_gone_is_not_replaced_by_another(alice: User, bob: User, token: ProviderToken) -> None:
    theirs = add_token(owner=bob, actor=None, provider="openai", label="Bob's", secret=SECRET)
    for token_id in (uuid4(), theirs.pk):
        with pytest.raises(RunRefused, match="endpoint is gone"):
            start_run(user=alice, conversation_id=uuid4(), is_new=True, form=form(token_id=token_id))
    assert not Generation.objects.exists()


def test_a_key_of_another_provider_is_not_used(alice: User, token: ProviderToken) -> None:
    with pytest.raises(RunRefused, match="endpoint is gone"):
        start_run(user=alice, conversation_id=uuid4(), is_new=True, form=form(provider="groq", token_id=token.pk))
