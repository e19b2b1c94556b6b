"""Things to find: calls, conversations and prompts, as they are stored and indexed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from accounts.models import User
    from inference.models import Conversation
    from inference.search.shown import Hit
    from prompts.models import Prompt
    from telemetry.models import Generation

AddCall = Callable[..., "Generation"]
Find = Callable[..., "list[Hit]"]


@pytest.fixture
def index(db: None) -> Callable[[], int]:
    """`index()`: what the worker does each minute."""
    from inference.search.indexing import index_changes

    return lambda: index_changes(seconds=60)


@pytest.fixture
def add_call(db: None) -> AddCall:
    def add(user: User, question: str, answer: str = "", *, system: str = "", **fields: Any) -> Generation:
        from django.db import transaction

        from telemetry.context import SentMessage
        from telemetry.models import Status
        from telemetry.services import CallOutcome, NewCall, finish_generation, start_generation

        sent = [*([SentMessage("system", system)] if system else []), SentMessage("user", question)]
        given: dict[str, Any] = {
            "conversation_id": None,
            "provider": "echo",
            "model": "echo",
            "parameters": {},
            "process_id": 1,
        }
        call = start_generation(user=user, call=NewCall(**{**given, "sent": sent, **fields}))
        outcome = CallOutcome(status=Status.SUCCEEDED, finish_reason="stop", text=answer)
        with transaction.atomic():
            finish_generation(generation_id=call.pk, outcome=outcome)
        call.refresh_from_db()
        return call

    return add


@pytest.fixture
def add_conversation(db: None) -> Callable[..., Conversation]:
    def add(owner: User, title: str, *texts: str, **fields: Any) -> Conversation:
        from inference.models import Conversation, Message, Role

        conversation = Conversation.objects.create(owner=owner, title=title, **fields)
        for text in texts:
            Message.objects.create(conversation=conversation, role=Role.USER, text=text)
        return conversation

    return add


@pytest.fixture
def add_prompt(db: None) -> Callable[..., Prompt]:
    def add(owner: User, name: str, body: str, **fields: Any) -> Prompt:
        from prompts.drafts import Draft
        from prompts.services import create_prompt

        return create_prompt(owner=owner, name=name, type="text", draft=Draft(body), **fields).prompt

    return add


@pytest.fixture
def find(index: Callable[[], int]) -> Iterator[Find]:
    """`find(alice, "refund", status="failed")`: what she finds after all has been indexed."""
    from inference.search import query_text
    from inference.search.scopes import Filters
    from inference.search.searching import search

    def look(viewer: User, text: str, *, limit: int = 20, **filters: Any) -> list[Hit]:
        index()
        return search(viewer=viewer, query=query_text.read(text), filters=Filters(**filters), limit=limit).hits

    yield look
