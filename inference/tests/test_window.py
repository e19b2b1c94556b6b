"""Of a long conversation, a page shows a part, and leads to the others."""

from __future__ import annotations

import re
from collections.abc import Callable
from uuid import uuid4

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from accounts.models import Team, User
from accounts.sharing import Audience, Visibility
from inference.chat import fragments
from inference.conversations.thread import LEAD, WINDOW, branch_of
from inference.models import Conversation, Message, Role
from inference.runs.start import RunRequest, start_run

pytestmark = pytest.mark.django_db
ClientOf = Callable[[User], Client]


def long_conversation(owner: User, length: int = 200) -> tuple[Conversation, list[int]]:
    """With the ids of its messages, in order."""
    conversation = Conversation.objects.create(owner=owner, title="Long", provider="echo", model="echo")
    parent, ids = None, []
    for number in range(length):
        role = Role.ASSISTANT if number % 2 else Role.USER
        parent = Message.objects.create(conversation=conversation, parent=parent, role=role, text=f"Text {number}")
        ids.append(parent.pk)
    return conversation, ids


@pytest.fixture
def ask(alice: User, client_of: ClientOf) -> Callable[..., str]:
    client = client_of(alice)

    def ask(conversation: Conversation, query: str = "", target: str = "") -> str:
        headers = {"HX-Request": "true", "HX-Target": target} if target else {}
        response = client.get(f"{conversation.get_absolute_url()}{query}", headers=headers)
        return str(response.content.decode())

    return ask


def shown(page: str) -> list[int]:
    return [int(pk) for pk in re.findall(r'<article [^>]*id="message-(\d+)"', page)]


def link(page: str, words: str) -> str:
    """The query of the link with these words."""
    return str(re.findall(rf'href="(\?[^"]+)" [^>]*>{words}<', page)[0])


def test_it_shows_the_last_messages(alice: User, ask: Callable[..., str]) -> None:
    conversation, ids = long_conversation(alice)
    assert shown(ask(conversation)) == ids[-WINDOW:]


def test_it_shows_all_of_a_short_one_without_links(alice: User, ask: Callable[..., str]) -> None:
    conversation, ids = long_conversation(alice, WINDOW)
    page = ask(conversation)
    assert shown(page) == ids and "Earlier messages" not in page and "Later messages" not in page


def test_it_leads_to_every_message_by_links_alone(alice: User, ask: Callable[..., str]) -> None:
    conversation, ids = long_conversation(alice)
    page, seen = ask(conversation), set[int]()
    for _ in range(len(ids)):
        seen |= set(shown(page))
        if "Earlier messages" not in page:
            break
        page = ask(conversation, link(page, "Earlier messages"))
    assert seen == set(ids)


def test_it_leads_on_from_the_first_message_to_the_last(alice: User, ask: Callable[..., str]) -> None:
    conversation, ids = long_conversation(alice)
    page, seen = ask(conversation, f"?leaf={ids[0]}"), list[int]()
    for _ in range(len(ids)):
        seen += [pk for pk in shown(page) if pk not in seen]
        if "Later messages" not in page:
            break
        page = ask(conversation, link(page, "Later messages"))
    assert seen == ids


def test_it_puts_earlier_messages_before_those_on_the_page(alice: User, ask: Callable[..., str]) -> None:
    conversation, ids = long_conversation(alice, 2 * WINDOW + 5)
    page = ask(conversation)
    parts = [shown(page)]
    while "Earlier messages" in page:
        page = ask(conversation, link(page, "Earlier messages"), "earlier")
        parts.insert(0, shown(page))
    assert sum(parts, []) == ids and [len(part) for part in parts] == [5, WINDOW, WINDOW]


def test_it_refuses_what_stands_before_no_message_of_it(alice: User, client_of: ClientOf) -> None:
    conversation, _ = long_conversation(alice, 2)
    other, others = long_conversation(alice, 2)
    headers = {"HX-Request": "true", "HX-Target": "earlier"}
    for query in ("", "?leaf=no", f"?leaf={others[0]}"):
        assert client_of(alice).get(f"{conversation.get_absolute_url()}{query}", headers=headers).status_code == 404


def test_it_opens_around_the_message_that_is_asked_for(alice: User, ask: Callable[..., str]) -> None:
    conversation, ids = long_conversation(alice)
    assert shown(ask(conversation, f"?leaf={ids[100]}")) == ids[100 - LEAD : 100 - LEAD + WINDOW + LEAD]


def test_it_asks_below_the_end_of_the_branch_whatever_is_shown(alice: User, ask: Callable[..., str]) -> None:
    conversation, ids = long_conversation(alice)
    assert f'name="parent" value="{ids[-1]}"' in ask(conversation, f"?leaf={ids[3]}")


def test_it_keeps_what_a_page_has_loaded_when_it_catches_up(alice: User, ask: Callable[..., str]) -> None:
    conversation, ids = long_conversation(alice)
    query = f"?leaf={ids[-3]}&from={ids[50]}"
    assert shown(ask(conversation, query, "messages")) == ids[50:]


def test_it_shows_another_wording_of_an_early_question(alice: User, ask: Callable[..., str]) -> None:
    conversation, ids = long_conversation(alice)
    other = Message.objects.create(
        conversation=conversation, parent_id=ids[9], role=Role.USER, text="Other", client_id=uuid4()
    )
    page = ask(conversation, f"?leaf={ids[10]}")
    assert f"?leaf={other.pk}" in page and shown(page)[LEAD] == ids[10]
    assert shown(ask(conversation, f"?leaf={other.pk}")) == [*ids[:10], other.pk]


def test_it_counts_the_text_that_is_not_shown(alice: User, ask: Callable[..., str]) -> None:
    conversation, ids = long_conversation(alice)
    hidden = Message.objects.filter(pk__in=ids[:-WINDOW]).values_list("text", flat=True)
    assert f'data-characters="{sum(map(len, hidden))}"' in ask(conversation)


@pytest.mark.parametrize("length", [4, 400])
def test_it_asks_the_database_as_often_for_a_long_one(
    alice: User, client_of: ClientOf, length: int, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    conversation, _ = long_conversation(alice, length)
    client = client_of(alice)
    with django_assert_max_num_queries(10):
        client.get(conversation.get_absolute_url())


def test_it_copies_the_whole_branch(alice: User, bob: User, team: Team, client_of: ClientOf) -> None:
    conversation, ids = long_conversation(alice, WINDOW * 2)
    conversation.audience = Audience(Visibility.TEAM, team)
    conversation.save()
    client_of(bob).post(f"{conversation.get_absolute_url()}copy/", {"parent": str(ids[-1])})
    copy = Conversation.objects.get(owner=bob)
    assert [message.text for message in branch_of(copy, None)] == [f"Text {number}" for number in range(WINDOW * 2)]


def test_it_adds_a_question_to_a_long_conversation_as_two_turns(alice: User) -> None:
    conversation, ids = long_conversation(alice)
    form = RunRequest(provider="echo", model="echo", text="More", parent_id=ids[-1], client_id=uuid4())
    started = start_run(user=alice, conversation_id=conversation.pk, is_new=False, form=form)
    assert started is not None
    page = fragments.render_started(started, form, viewer=alice)
    assert shown(page) == [started.question_id, started.answer_id] and "Earlier messages" not in page
