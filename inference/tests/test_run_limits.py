"""How many answers somebody may ask for, exactly, however many ask at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connections
from django.utils import timezone
from pytest_django import Settings

from accounts.models import User
from audit.models import AuditEvent
from inference.models import Conversation
from inference.runs.limits import note_limit_hit
from inference.runs.start import LimitReached, RunRequest, start_run
from telemetry.models import Generation, Status

AT_ONCE = 50


def ask(user: User) -> bool:
    """Whether the run was started."""
    form = RunRequest(provider="echo", model="echo", text="Hello", parent_id=None, client_id=uuid4())
    try:
        start_run(user=user, conversation_id=uuid4(), is_new=True, form=form)
    except LimitReached:
        return False
    return True


def all_at_once(users: list[User]) -> int:
    """How many of AT_ONCE questions, by the users in turn, were taken."""

    def ask_in_thread(number: int) -> bool:
        try:
            return ask(users[number % len(users)])
        finally:
            connections.close_all()

    with ThreadPoolExecutor(16) as pool:
        return sum(pool.map(ask_in_thread, range(AT_ONCE)))


@pytest.fixture
def no_limits(settings: Settings) -> Settings:
    settings.LIMIT_RUNS_PER_MINUTE = settings.LIMIT_OPEN_RUNS = settings.LIMIT_OPEN_RUNS_IN_ALL = 0
    return settings


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", ["LIMIT_RUNS_PER_MINUTE", "LIMIT_OPEN_RUNS"])
def test_a_limit_is_exact_when_50_ask_at_once(alice: User, no_limits: Settings, name: str) -> None:
    setattr(no_limits, name, 7)
    assert all_at_once([alice]) == 7
    assert Generation.objects.count() == Conversation.objects.count() == 7


@pytest.mark.django_db(transaction=True)
def test_a_limit_for_all_is_exact_when_50_ask_at_once(
    alice: User, bob: User, charlie: User, no_limits: Settings
) -> None:
    no_limits.LIMIT_OPEN_RUNS_IN_ALL = 8
    assert all_at_once([alice, bob, charlie]) == 8


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["LIMIT_RUNS_PER_MINUTE", "LIMIT_OPEN_RUNS"])
def test_each_person_has_a_limit_of_their_own(alice: User, bob: User, no_limits: Settings, name: str) -> None:
    setattr(no_limits, name, 1)
    assert [ask(alice), ask(alice), ask(bob)] == [True, False, True]


@pytest.mark.django_db
def test_it_says_how_long_to_wait(alice: User, no_limits: Settings) -> None:
    no_limits.LIMIT_RUNS_PER_MINUTE = 2
    ask(alice), ask(alice)
    Generation.objects.update(started_at=timezone.now() - timedelta(seconds=49.5))
    form = RunRequest(provider="echo", model="echo", text="Hello", parent_id=None, client_id=uuid4())
    with pytest.raises(LimitReached, match="2 times within a minute.* Wait 11 seconds"):
        start_run(user=alice, conversation_id=uuid4(), is_new=True, form=form)


@pytest.mark.django_db
def test_a_minute_later_one_may_ask_again(alice: User, no_limits: Settings) -> None:
    no_limits.LIMIT_RUNS_PER_MINUTE = 1
    ask(alice)
    Generation.objects.update(started_at=timezone.now() - timedelta(seconds=60))
    assert ask(alice)


@pytest.mark.django_db
def test_an_answer_that_has_ended_makes_room(alice: User, no_limits: Settings) -> None:
    no_limits.LIMIT_OPEN_RUNS = 1
    ask(alice)
    Generation.objects.update(status=Status.SUCCEEDED, ended_at=timezone.now())
    assert ask(alice)


@pytest.mark.django_db(transaction=True)
def test_a_limit_is_recorded_once_within_its_window(alice: User) -> None:
    for _ in range(5):
        note_limit_hit(alice, "open")
    entry = AuditEvent.objects.select_related("details").get()
    assert (entry.action, entry.outcome, entry.details.personal["limit"]) == ("accounts:limit:hit", "denied", "open")
