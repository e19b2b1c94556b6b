"""What is erased, deleted or past retention loses its texts and vectors with it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.utils import timezone

from accounts.models import User
from accounts.personal_data.erasure import erase_user
from inference.search import indexing
from inference.search.models import Embedding, IndexedText, Place
from inference.search.tests.conftest import AddCall
from telemetry import retention
from telemetry.models import Generation

Add = Callable[..., Any]
Index = Callable[[], int]


def counts() -> tuple[int, int, int]:
    return Place.objects.count(), IndexedText.objects.count(), Embedding.objects.count()


def test_it_forgets_a_conversation_with_its_last_place(alice: User, add_conversation: Add, index: Index) -> None:
    conversation = add_conversation(alice, "Tides", "Why are there two?")
    other = add_conversation(alice, "Other", "Why are there two?")
    index()
    conversation.delete()
    assert counts() == (2, 2, 2)
    other.delete()
    assert counts() == (0, 0, 0)


def test_it_forgets_a_prompt(alice: User, add_prompt: Add, index: Index) -> None:
    prompt = add_prompt(alice, "support/triage", "Sort by urgency.")
    index()
    assert counts()[0] == 2
    prompt.labels.all().delete()
    prompt.delete()
    assert counts() == (0, 0, 0)


def test_it_forgets_an_erased_user(
    alice: User, admin: User, add_call: AddCall, add_conversation: Add, index: Index
) -> None:
    add_call(alice, "secret of mine", "an answer")
    add_conversation(alice, "Tides", "Why are there two?")
    index()
    erase_user(user=alice, actor=admin)
    assert counts() == (0, 0, 0)
    index()
    assert counts() == (0, 0, 0)


def test_it_forgets_what_was_said_in_a_month_that_is_dropped(
    alice: User, add_call: AddCall, index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_call(alice, "long ago")
    index()
    connection.check_constraints()
    later = timezone.now() + timedelta(days=settings.CONTENT_DAYS + 62)
    monkeypatch.setattr(timezone, "now", lambda: later)
    assert retention.drop_old_content()
    assert counts() == (0, 0, 0)


def test_it_indexes_again_what_lost_its_text_to_another(alice: User, add_call: AddCall, index: Index) -> None:
    add_call(alice, "How do refunds work?")
    index()
    IndexedText.objects.all()._raw_delete("default")
    indexing.mend()
    index()
    assert counts() == (1, 1, 2)


@pytest.mark.parametrize("from_nothing", [True, False])
def test_it_is_built_anew(from_nothing: bool, alice: User, add_call: AddCall, index: Index) -> None:
    add_call(alice, "How do refunds work?", "Within 14 days.")
    index()
    indexing.rebuild(from_nothing=from_nothing)
    assert index() == 1
    assert counts() == (2, 2, 2)
    assert Generation.objects.count() == 1
