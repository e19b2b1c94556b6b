"""Where a user's search looks: what the user may see, and what the filters leave of it. All of it is SQL."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import BooleanField, Exists, F, Func, OuterRef, Q

from accounts.models import User
from inference.models import Conversation
from inference.search.models import Kind, Place, TopicCall
from listing.forms import Rows
from prompts.models import Prompt
from telemetry.models import Generation, Score
from telemetry.time_ranges import started_within

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from inference.models import ConversationQuerySet
    from prompts.models.registry import PromptQuerySet
    from telemetry.models import GenerationQuerySet


@dataclass(frozen=True, slots=True)
class Filters:
    """All that are given must hold. Status, score, cost, endpoint and topic are those of calls, and leave only calls.

    ``user`` is whose: without it, calls are the viewer's own. Costs are USD.
    """

    kind: str = ""
    provider: str = ""
    model: str = ""
    endpoint: str = ""
    status: str = ""
    score: int | None = None
    least_cost: Decimal | None = None
    most_cost: Decimal | None = None
    start: datetime | None = None
    end: datetime | None = None
    user: User | None = None
    topic: UUID | None = None

    @property
    def only_calls(self) -> bool:
        given = (self.status, self.endpoint, self.score, self.least_cost, self.most_cost, self.topic)
        return any(value not in (None, "") for value in given)

    @property
    def any_of_calls(self) -> bool:
        return self.only_calls or bool(self.provider or self.model or self.start or self.end)

    def wants(self, kind: Kind) -> bool:
        return self.kind in ("", kind) and (kind == Kind.CALL or not self.only_calls)


def subject_of(viewer: User, filters: Filters) -> User | None:
    """Whose calls are looked through; None for nobody's."""
    subject = filters.user or viewer
    allowed = viewer.is_active and (subject == viewer or viewer.is_administrator)
    return subject if allowed else None


def calls_in(viewer: User, filters: Filters) -> GenerationQuerySet:
    subject = subject_of(viewer, filters)
    if subject is None or not filters.wants(Kind.CALL):
        return Generation.objects.none()
    alike = {
        "provider": filters.provider,
        "request_model": filters.model,
        "base_url": filters.endpoint,
        "status": filters.status,
        "cost_usd__gte": filters.least_cost,
        "cost_usd__lte": filters.most_cost,
    }
    given: dict[str, Any] = {lookup: value for lookup, value in alike.items() if value not in (None, "")}
    calls = Generation.objects.visible_to(viewer).filter(user=subject, **given)
    calls = calls.filter(started_within(filters.start, filters.end))
    if filters.score is not None:
        scores = Score.objects.filter(call_id=OuterRef("pk"), user=viewer, value=filters.score)
        calls = calls.filter(Exists(scores))
    if filters.topic is not None:
        calls = calls.filter(Exists(TopicCall.objects.filter(call_id=OuterRef("pk"), topic=filters.topic)))
    return calls


def conversations_in(viewer: User, filters: Filters) -> ConversationQuerySet:
    conversations = Conversation.objects.all()
    if not filters.wants(Kind.CONVERSATION):
        return conversations.none()
    return _within(conversations.visible_to(viewer), filters, provider="provider", model="model")


def prompts_in(viewer: User, filters: Filters) -> PromptQuerySet:
    if not filters.wants(Kind.PROMPT):
        return Prompt.objects.none()
    found = _within(Prompt.objects.visible_to(viewer), filters, provider="versions__provider", model="versions__model")
    return found.distinct() if filters.provider or filters.model else found


def _within(rows: Rows, filters: Filters, *, provider: str, model: str) -> Rows:
    """By what conversations and prompts have alike; the time is that of their last change."""
    alike = {
        provider: filters.provider,
        model: filters.model,
        "owner": filters.user,
        "updated_at__gte": filters.start,
        "updated_at__lt": filters.end,
    }
    given: dict[str, Any] = {lookup: value for lookup, value in alike.items() if value not in (None, "")}
    return rows.filter(**given)


def places_in(viewer: User, filters: Filters) -> QuerySet[Place]:
    found = Q(pk__in=[])
    if (calls := _calls(viewer, filters)) is not None:
        found |= calls
    if filters.wants(Kind.CONVERSATION):
        found |= Q(_IsOneOf(conversations_in(viewer, filters)), kind=Kind.CONVERSATION)
    if filters.wants(Kind.PROMPT):
        found |= Q(_IsOneOf(prompts_in(viewer, filters)), kind=Kind.PROMPT)
    return Place.objects.filter(found)


class _IsOneOf(Func):
    """Whether the object of a place is one of the rows. As an array, which is read once and then looked up by index."""

    template, arg_joiner, output_field = "(%(expressions)s))", " = ANY (", BooleanField()

    def __init__(self, rows: QuerySet[Any]) -> None:
        super().__init__(F("object_id"), ArraySubquery(rows.order_by().values("pk")))


def _calls(viewer: User, filters: Filters) -> Q | None:
    """Calls are looked up one by one: there may be millions, of which the filters leave most."""
    subject = subject_of(viewer, filters)
    if subject is None or not filters.wants(Kind.CALL):
        return None
    own = Q(kind=Kind.CALL, owner=subject)
    if not filters.any_of_calls:
        return own
    return own & Q(Exists(calls_in(viewer, filters).filter(pk=OuterRef("object_id")).order_by()))
