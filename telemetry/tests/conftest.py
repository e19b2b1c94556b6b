"""Calls to look at."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

if TYPE_CHECKING:
    from telemetry.models import Generation


@pytest.fixture
def start(db: None) -> Callable[..., Generation]:
    """`start(user=alice, model="gpt-4o")`: a call that has just begun."""
    from telemetry.context import SentMessage
    from telemetry.services import NewCall, start_generation

    def start(*, user: Any, **values: Any) -> Generation:
        plain: dict[str, Any] = {
            "conversation_id": uuid4(),
            "token_id": uuid4(),
            "token_label": "Team key",
            "provider": "openai",
            "model": "gpt-4o",
            "parameters": {"temperature": 0.5},
            "process_id": 1,
            "sent": [SentMessage("system", "Be brief."), SentMessage("user", "Hello?")],
        }
        return start_generation(user=user, call=NewCall(**plain | values))

    return start


@pytest.fixture
def finish(db: None) -> Callable[..., Generation]:
    """`finish(generation, status=..., text=...)`: the call, ended; successfully unless said otherwise."""
    from django.db import transaction

    from telemetry.models import Status
    from telemetry.services import CallOutcome, finish_generation

    def finish(generation: Generation, **values: Any) -> Generation:
        outcome = CallOutcome(**{"status": Status.SUCCEEDED} | values)
        with transaction.atomic():
            assert finish_generation(generation_id=generation.pk, outcome=outcome)
        generation.refresh_from_db()
        return generation

    return finish
