"""Export and erasure of the personal data of this app. The figures of calls stay, anonymously."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from accounts.models import User
from accounts.personal_data.registry import PersonalDataHandler, Values, in_batches, values_of
from telemetry.models import ContextMessage, Generation, GenerationContent, Rollup, SavedView, Score

_LEFT_OUT = {"user", "receipt"}
# Whatever a person or a provider has put into words, and whatever leads back to one.
_ANONYMOUS: dict[str, Any] = {
    "user": None,
    "conversation_id": None,
    "token_id": None,
    "token_label": "",
    "prompt_name": "",
    "prompt_labels": {},
    "parameters": {},
    "attempts": [],
    "error_message": "",
    "response_id": "",
    "provider_request_id": "",
    "end_user": "",
    "session_id": "",
    "tags": [],
}


def export(user: User) -> Iterator[Values]:
    names = [field.name for field in Generation._meta.concrete_fields if field.name not in _LEFT_OUT]
    for generation in in_batches(Generation.objects.filter(user=user).select_related("content")):
        content = getattr(generation, "content", None)
        said = {
            "request": [message._asdict() for message in content.sent()] if content else None,
            "response_text": content.response_text if content else None,
            "reasoning_text": content.reasoning_text if content else None,
            "tool_calls": content.tool_calls if content else None,
        }
        yield {"kind": "call", **{name: getattr(generation, name) for name in names}, **said}
    yield from _ratings(user)
    for view in in_batches(SavedView.objects.filter(owner=user)):
        yield values_of(view, "saved view", "id", "name", "query", "visibility", "created_at")


def _ratings(user: User) -> Iterator[Values]:
    for score in in_batches(Score.objects.filter(user=user)):
        yield values_of(score, "rating", "call_id", "value", "note", "created_at")


def erase(user: User, actor: User | None) -> dict[str, int]:
    GenerationContent.objects.filter(generation__user=user).delete()
    # Others may have quoted what was said.
    Score.objects.filter(call_id__in=Generation.objects.filter(user=user).values("pk")).update(note="")
    ratings, _ = Score.objects.filter(user=user).delete()
    views, _ = SavedView.objects.filter(owner=user).delete()
    ContextMessage.objects.filter(user=user).delete()
    # Its hours are counted anew soon; until then the figures stay as nobody's.
    Rollup.objects.filter(user=user).update(user=None)
    calls = Generation.objects.filter(user=user).update(**_ANONYMOUS)
    return {"ratings": ratings, "saved_views": views, "calls": calls}


HANDLER = PersonalDataHandler(
    "telemetry",
    export,
    erase,
    covers=frozenset(
        {
            *("telemetry.generation.user", "telemetry.contextmessage.user"),
            *("telemetry.rollup.user", "telemetry.score.user", "telemetry.savedview.owner"),
        }
    ),
)
