"""A conversation becomes the draft of a prompt, for those who may read it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Team, User
from accounts.sharing import Visibility
from inference.conversations import as_prompt
from inference.models import Conversation, Message
from prompts.models import Prompt

pytestmark = pytest.mark.django_db
ClientOf = Callable[[User], Client]
URL = "/prompts/add/"


@pytest.fixture
def conversation(alice: User) -> Conversation:
    """Two wordings of one question, the second is the newest."""
    conversation = Conversation.objects.create(
        owner=alice, title="Mail", system="Be {{tone}}.", provider="openai", model="gpt-4o",
        parameters={"temperature": 0.5, "seed": 7},
    )  # fmt: skip
    for wording in ("first", "second"):
        question = Message.objects.create(conversation=conversation, role="user", text=wording)
        Message.objects.create(conversation=conversation, role="assistant", text=f"To the {wording}", parent=question)
    return conversation


def page_of(client: Client, conversation: Conversation, **query: Any) -> str:
    return client.get(URL, {"conversation": str(conversation.pk)} | query).content.decode()


def test_it_takes_system_prompt_messages_model_and_parameters(
    conversation: Conversation, alice: User, client_of: ClientOf
) -> None:
    page = page_of(client_of(alice), conversation)
    for text in (
        ">\nBe {{tone}}.</textarea>",
        ">\nsecond</textarea>",
        ">\nTo the second</textarea>",
        'value="gpt-4o"',
        '<option value="openai" selected>',
        'name="temperature" value="0.5"',
        "&quot;seed&quot;: 7",
        "From the conversation “Mail”",
        'name="variable-0-name" value="tone"',
    ):
        assert text in page
    assert "first" not in page
    assert not Prompt.objects.exists()


def test_it_takes_the_branch_that_is_shown(conversation: Conversation, alice: User, client_of: ClientOf) -> None:
    first = conversation.messages.get(text="To the first")
    page = page_of(client_of(alice), conversation, leaf=str(first.pk))
    assert ">\nfirst</textarea>" in page and "second" not in page


def test_it_takes_one_message_alone_with_the_system_prompt(
    conversation: Conversation, alice: User, client_of: ClientOf
) -> None:
    only = conversation.messages.get(text="first")
    page = page_of(client_of(alice), conversation, only=str(only.pk))
    assert ">\nBe {{tone}}.</textarea>" in page and ">\nfirst</textarea>" in page
    assert "To the first" not in page and "second" not in page


def test_it_takes_no_message_of_another_conversation(
    conversation: Conversation, alice: User, bob: User, client_of: ClientOf
) -> None:
    other = Conversation.objects.create(owner=bob, title="Secret", provider="openai", model="gpt-4o")
    message = Message.objects.create(conversation=other, role="user", text="of bob")
    assert "of bob" not in page_of(client_of(alice), conversation, only=str(message.pk))


def test_each_message_leads_there(conversation: Conversation, alice: User, client_of: ClientOf) -> None:
    page = client_of(alice).get(conversation.get_absolute_url()).content.decode()
    only = conversation.messages.get(text="second")
    assert f"{URL}?conversation={conversation.pk}&amp;only={only.pk}" in page


@pytest.mark.parametrize("leaf", ["", "0", "²", "x", "9" * 30])
def test_it_takes_the_newest_branch_for_a_message_that_there_is_not(
    conversation: Conversation, alice: User, client_of: ClientOf, leaf: str
) -> None:
    assert ">\nsecond</textarea>" in page_of(client_of(alice), conversation, leaf=leaf)


def test_readers_may_take_it_and_strangers_learn_nothing(
    conversation: Conversation, bob: User, charlie: User, team: Team, client_of: ClientOf
) -> None:
    Conversation.objects.update(visibility=Visibility.TEAM, team=team)
    assert ">\nsecond</textarea>" in page_of(client_of(bob), conversation)
    for pk in (str(conversation.pk), str(uuid4()), "nonsense", ""):
        assert client_of(charlie).get(URL, {"conversation": pk}).status_code == 404


def test_it_says_where_it_takes_only_the_last_messages(
    conversation: Conversation, alice: User, client_of: ClientOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(as_prompt, "MOST_MESSAGES", 1)
    page = page_of(client_of(alice), conversation)
    assert "Only the last 1 messages were taken." in page
    assert ">\nTo the second</textarea>" in page and ">\nsecond</textarea>" not in page


def test_it_is_saved_as_any_prompt(conversation: Conversation, alice: User, client_of: ClientOf) -> None:
    sent = {"name": "mail", "type": "chat", "message": "First", "step": "save"}
    sent |= {"message-0-role": "user", "message-0-content": "Hi"}
    response = client_of(alice).post(f"{URL}?conversation={conversation.pk}", sent)
    assert response["Location"] == Prompt.objects.get().get_absolute_url()


def test_the_menu_of_a_conversation_leads_there(conversation: Conversation, alice: User, client_of: ClientOf) -> None:
    page = client_of(alice).get(reverse("inference:chat")).content.decode()
    assert f'href="{URL}?conversation={conversation.pk}"' in page
