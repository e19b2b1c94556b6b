"""What calls have sent moves from their own rows to shared ones, and back, without a loss."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib import import_module
from typing import Any

import pytest
from django.db import DatabaseError, connection

from accounts.models import User
from aistrale.tests.migrations import Migrate
from telemetry.context import SentMessage
from telemetry.models import ContextMessage, Generation, GenerationContent

Make = Callable[..., Generation]
Sent = dict[Any, list[SentMessage]]
QUESTION, ANSWER = SentMessage("user", "Go on.\n\\u00e4 'ä'"), SentMessage("assistant", "Well.")


@pytest.fixture
def sent(start: Make, alice: User, bob: User) -> Sent:
    """By call: two branches of one conversation with a system prompt, the same by somebody else, and one without."""
    turns = [SentMessage("system", "Be brief."), QUESTION, ANSWER, QUESTION]
    contexts = [(alice, turns[:2]), (alice, turns), (bob, turns), (alice, [*turns[:3], ANSWER]), (alice, [QUESTION])]
    return {start(user=user, sent=messages).pk: messages for user, messages in contexts}


def requests() -> dict[Any, Any]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT generation_id, request::text FROM telemetry_generationcontent")
        return {pk: json.loads(request) for pk, request in cursor.fetchall()}


def read() -> Sent:
    return {content.pk: content.sent() for content in GenerationContent.objects.select_related("generation")}


def test_it_moves_there_and_back(sent: Sent, migrate: Migrate) -> None:
    rows = set(ContextMessage.objects.values_list("pk", "parent", "role", "text"))
    migrate("telemetry", "0006_run_process")
    for pk, request in requests().items():
        prompt = "Be brief." if len(sent[pk]) > 1 else ""
        said = [{"role": role, "text": text} for role, text, _ in sent[pk] if role != "system"]
        assert request == {"system": prompt, "messages": said}
    migrate()
    assert read() == sent
    assert set(ContextMessage.objects.values_list("pk", "parent", "role", "text")) == rows


def test_it_goes_on_where_it_broke_off(sent: Sent, monkeypatch: pytest.MonkeyPatch, migrate: Migrate) -> None:
    monkeypatch.setattr(import_module("telemetry.migrations.0008_move_requests"), "BATCH", 1)
    migrate("telemetry", "0006_run_process")
    moved = 0

    def break_off(execute: Callable[..., Any], sql: str, *call: Any) -> Any:
        nonlocal moved
        moved += "UPDATE telemetry_generationcontent" in sql
        if moved == 3:
            raise DatabaseError
        return execute(sql, *call)

    with connection.execute_wrapper(break_off), pytest.raises(DatabaseError):
        migrate("telemetry", "0008_move_requests")
    assert GenerationContent.objects.filter(period__isnull=False).count() == 2
    migrate()
    assert read() == sent
