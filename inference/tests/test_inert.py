"""Where the text of people and models stands on a page, htmx looks at nothing."""

from __future__ import annotations

from collections.abc import Callable
from html.parser import HTMLParser

import pytest
from django.test import Client

from accounts.models import User
from inference.models import Conversation, Message

MARK = "canary-text"
VOID = {"meta", "link", "input", "br", "hr", "img", "use", "path"}


class Places(HTMLParser):
    """Of each place where the mark is shown, whether it stands in an element with ``hx-disable``."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[bool] = []
        self._open: list[tuple[str, bool]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            is_inert = any(inert for _, inert in self._open) or "hx-disable" in dict(attrs) or "hidden" in dict(attrs)
            self._open.append((tag, is_inert))

    def handle_endtag(self, tag: str) -> None:
        while tag not in VOID and self._open and self._open.pop()[0] != tag:
            continue

    def handle_data(self, data: str) -> None:
        if MARK in data:
            self.found.append(self._open[-1][1])


@pytest.mark.parametrize("headers", [{}, {"HX-Request": "true", "HX-Target": "messages"}], ids=["page", "fragment"])
def test_what_was_written_is_inert(alice: User, client_of: Callable[[User], Client], headers: dict[str, str]) -> None:
    conversation = Conversation.objects.create(owner=alice, title="x")
    question = Message.objects.create(conversation=conversation, role="user", text=MARK)
    Message.objects.create(
        conversation=conversation, parent=question, role="assistant", text=f"**{MARK}**", reasoning=MARK
    )
    places = Places(client_of(alice).get(f"/chat/{conversation.pk}/", headers=headers).content.decode())
    assert len(places.found) >= 3 and all(places.found)
