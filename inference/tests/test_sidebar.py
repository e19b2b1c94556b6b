"""The list of conversations: days and what a search has found."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from accounts.models import User
from inference.conversations.services import Filters, day_title, sidebar_of
from inference.conversations.snippets import snippet_of
from inference.models import Conversation, Message


@pytest.mark.parametrize(
    ("day", "title"),
    [
        ("2026-11-30", "Today"),
        ("2026-11-29", "Yesterday"),
        ("2026-11-23", "Previous 7 days"),
        ("2026-11-01", "Previous 30 days"),
        ("2026-03-01", "March"),
        ("2025-03-01", "March 2025"),
    ],
)
def test_it_groups_by_day(day: str, title: str) -> None:
    assert day_title(datetime.fromisoformat(day).replace(tzinfo=UTC), today=date(2026, 11, 30)) == title


def test_it_marks_what_was_found() -> None:
    text = "x " * 40 + "the <b>Pivot</b> of quicksort" + " y" * 90
    snippet = snippet_of(text, ["pivot", "QUICK"])
    assert "&lt;b&gt;<mark>Pivot</mark>&lt;/b&gt; of <mark>quick</mark>sort" in snippet
    assert snippet.startswith("…") and snippet.endswith("…")


@pytest.mark.django_db
def test_a_search_shows_where_the_words_stand(alice: User) -> None:
    found = Conversation.objects.create(owner=alice, title="Sorting")
    Message.objects.create(conversation=found, role="user", text="Which pivot?")
    titled = Conversation.objects.create(owner=alice, title="A pivot")
    snippets = sidebar_of(alice, filters=Filters(query="pivot")).snippets
    assert snippets == {found.pk: "Which <mark>pivot</mark>?"} and titled.pk not in snippets
