"""Pages of prompts show figures of calls, which their app may not know of."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import User
from accounts.sharing import Audience, Visibility
from inference.models import Conversation, Message, Role
from prompts import callers, figures
from prompts.drafts import Draft
from prompts.models import PromptVersion
from prompts.services import create_prompt
from telemetry.models import Generation, Status

pytestmark = pytest.mark.django_db


@pytest.fixture
def version(alice: User) -> PromptVersion:
    everyone = Audience(Visibility.EVERYONE)
    return create_prompt(owner=alice, name="triage", type="text", draft=Draft("Sort"), audience=everyone)


def call(user: User, version: PromptVersion, *, days_ago: int = 0, seconds: float = 1.0, **values: Any) -> Generation:
    start = timezone.now() - timedelta(days=days_ago, minutes=1)
    plain = {"status": Status.SUCCEEDED, "ended_at": start + timedelta(seconds=seconds), "started_at": start}
    prompt = {"prompt_id": version.prompt_id, "prompt_name": "triage", "prompt_version": version.number}
    return Generation.objects.create(**{"user": user, "provider": "echo", **plain, **prompt, **values})


def test_they_are_of_the_calls_of_all_users(alice: User, bob: User, version: PromptVersion) -> None:
    call(alice, version, seconds=1, cost_usd=Decimal("0.1"))
    call(bob, version, seconds=3, cost_usd=Decimal("0.3"))
    call(bob, version, seconds=9, status=Status.FAILED)
    call(bob, version, status=Status.RUNNING, ended_at=None)
    found = figures.figures_of(version.prompt, [1])[1]
    assert found.uses == 4
    assert found.error_rate == pytest.approx(1 / 3)
    assert found.seconds_p50 == pytest.approx(2)
    assert found.cost_usd == Decimal("0.2")


def test_they_leave_out_old_calls_and_other_versions(alice: User, version: PromptVersion) -> None:
    call(alice, version, days_ago=31)
    call(alice, version, prompt_version=2)
    assert figures.figures_of(version.prompt, [1]) == {}


def test_the_page_shows_them_by_one_query(
    alice: User, version: PromptVersion, client_of: Callable[[User], Client], django_assert_num_queries: Any
) -> None:
    call(alice, version, seconds=2)
    with django_assert_num_queries(1):
        figures.figures_of(version.prompt, [1, 2, 3])
    page = client_of(alice).get(version.get_absolute_url()).content.decode()
    assert "Calls with v1" in page
    assert '2.0 <span class="unit">s</span>' in page


def test_the_last_users_come_first_with_the_version_they_used(
    alice: User, bob: User, version: PromptVersion, client_of: Callable[[User], Client]
) -> None:
    call(bob, version, prompt_version=2)
    call(bob, version, days_ago=1)
    call(alice, version, days_ago=2)
    Generation.objects.filter(pk=call(alice, version).pk).update(user=None)
    call(alice, version, days_ago=31)
    found = callers.users_of(version.prompt)
    assert [(used.user, used.uses, used.version) for used in found] == [(bob, 2, 2), (alice, 1, 1)]
    assert bob.get_full_name() in client_of(alice).get(version.prompt.get_absolute_url()).content.decode()
    assert "Last callers" not in client_of(bob).get(version.prompt.get_absolute_url()).content.decode()


def test_each_reader_finds_the_conversations_in_which_it_was_used(
    alice: User, bob: User, version: PromptVersion, client_of: Callable[[User], Client]
) -> None:
    for owner, title, days_ago in ((alice, "Refunds", 1), (bob, "Outages", 1), (alice, "Long ago", 31)):
        conversation = Conversation.objects.create(owner=owner, title=title)
        made = call(owner, version, days_ago=days_ago)
        Message.objects.create(conversation=conversation, role=Role.ASSISTANT, text="So.", generation=made)
    assert [found.title for found in callers.conversations_of(version.prompt, reader=alice)] == ["Refunds"]
    page = client_of(bob).get(version.prompt.get_absolute_url()).content.decode()
    assert "Outages" in page and "Refunds" not in page
