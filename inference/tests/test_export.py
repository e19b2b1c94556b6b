"""A conversation as a file."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from accounts.models import User
from inference.models import Conversation, Message

ClientOf = Callable[[User], Client]


@pytest.fixture
def conversation(alice: User) -> Conversation:
    conversation = Conversation.objects.create(owner=alice, title="Heaps & <stacks>", system="Be brief.")
    asked = Message.objects.create(conversation=conversation, role="user", text="What is **it**?")
    Message.objects.create(conversation=conversation, parent=asked, role="assistant", text="A *tree* <b>")
    return conversation


@pytest.fixture
def exported(alice: User, conversation: Conversation, client_of: ClientOf) -> Callable[[str], HttpResponse]:
    url = reverse("inference:conversation-export", args=[conversation.pk])

    def export(name: str) -> Any:
        return client_of(alice).get(url, {"format": name})

    return export


def test_it_writes_markdown(exported: Callable[[str], HttpResponse]) -> None:
    response = exported("markdown")
    text = response.content.decode()
    assert text.startswith("# Heaps & <stacks>\n\n## System prompt\n\nBe brief.")
    assert "What is **it**?" in text and text.endswith("A *tree* <b>\n")
    assert response.headers["Content-Disposition"] == 'attachment; filename="heaps-stacks.md"'


def test_it_writes_json(exported: Callable[[str], HttpResponse]) -> None:
    content = json.loads(exported("json").content)
    assert [(message["role"], message["text"]) for message in content["messages"]] == [
        ("user", "What is **it**?"),
        ("assistant", "A *tree* <b>"),
    ]


def test_it_writes_html_that_needs_nothing_else(exported: Callable[[str], HttpResponse]) -> None:
    html = exported("html").content.decode()
    assert "A <em>tree</em> &lt;b&gt;" in html and "<title>Heaps &amp; &lt;stacks&gt;</title>" in html
    assert "url(" not in html and "<script" not in html and "<link" not in html


def test_it_asks_for_a_format_it_does_not_know(exported: Callable[[str], HttpResponse]) -> None:
    assert "Export conversation" in exported("docx").content.decode()
