"""What the filters leave where nothing is searched for, the newest first."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from accounts.models import User
from inference.search.models import Kind
from inference.search.query_text import QueryText
from inference.search.scopes import Filters, calls_in, conversations_in, prompts_in
from inference.search.searching import Results
from inference.search.shown import show


def browse(*, viewer: User, filters: Filters, limit: int) -> Results:
    order = newest(viewer=viewer, filters=filters, limit=limit + 1)
    hits = show(order[:limit], {}, QueryText(""), viewer=viewer)
    return Results(hits, has_more=len(order) > limit)


def newest(*, viewer: User, filters: Filters, limit: int) -> list[tuple[str, UUID]]:
    if not viewer.is_active:
        return []
    calls = calls_in(viewer, filters).order_by("-started_at", "-id").values_list("started_at", "pk")[:limit]
    conversations = conversations_in(viewer, filters).order_by("-updated_at").values_list("updated_at", "pk")[:limit]
    prompts = prompts_in(viewer, filters).order_by("-updated_at").values_list("updated_at", "pk")[:limit]
    found: list[tuple[datetime, str, UUID]] = [
        *((at, Kind.CALL.value, pk) for at, pk in calls),
        *((at, Kind.CONVERSATION.value, pk) for at, pk in conversations),
        *((at, Kind.PROMPT.value, pk) for at, pk in prompts),
    ]
    return [(kind, pk) for _, kind, pk in sorted(found, reverse=True)[:limit]]
