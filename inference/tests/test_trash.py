"""Deleted conversations: gone for everyone at once, for good after a while."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from accounts.sharing import Visibility
from inference.conversations.services import TRASH_TIME, empty_trash, sidebar_of
from inference.models import Conversation, Message

ClientOf = Callable[[User], Client]


@pytest.fixture
def conversation(alice: User) -> Conversation:
    conversation = Conversation.objects.create(owner=alice, title="Heaps", visibility=Visibility.EVERYONE)
    Message.objects.create(conversation=conversation, role="user", text="Hello")
    return conversation


def post(client: Client, name: str, conversation: Conversation, **headers: str) -> int:
    url = reverse(f"inference:conversation-{name}", args=[conversation.pk])
    return client.post(url, headers=headers).status_code


def test_nobody_sees_a_deleted_conversation(
    alice: User, bob: User, conversation: Conversation, client_of: ClientOf
) -> None:
    post(client_of(alice), "delete", conversation)
    for reader in (alice, bob):
        assert client_of(reader).get(conversation.get_absolute_url()).status_code == 404
    assert not sidebar_of(alice).rest


def test_its_owner_restores_it(alice: User, conversation: Conversation, client_of: ClientOf) -> None:
    client = client_of(alice)
    post(client, "delete", conversation)
    assert "Undo" in client.get(reverse("inference:chat")).content.decode()
    post(client, "restore", conversation)
    assert client.get(conversation.get_absolute_url()).status_code == 200


def test_nobody_else_restores_it(alice: User, bob: User, conversation: Conversation, client_of: ClientOf) -> None:
    post(client_of(alice), "delete", conversation)
    assert post(client_of(bob), "restore", conversation) == 404


def test_it_goes_for_good_after_a_while(alice: User, conversation: Conversation, client_of: ClientOf) -> None:
    post(client_of(alice), "delete", conversation)
    assert empty_trash(now=timezone.now()) == 0
    assert empty_trash(now=timezone.now() + TRASH_TIME + timedelta(seconds=1)) == 1
    assert not Message.objects.exists()


def test_a_page_that_shows_it_leaves_for_a_new_chat(
    alice: User, conversation: Conversation, client_of: ClientOf
) -> None:
    url = reverse("inference:conversation-delete", args=[conversation.pk])
    shown = {"HX-Request": "true", "HX-Current-URL": f"http://testserver{conversation.get_absolute_url()}"}
    assert client_of(alice).post(url, headers=shown).headers["HX-Redirect"] == reverse("inference:chat")
