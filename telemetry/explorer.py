"""What stands above and within the list of calls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import connection

from accounts.models import User
from telemetry.dashboard import numbers
from telemetry.forms import GenerationFilter
from telemetry.models import Generation
from telemetry.rollups.coverage import Span
from telemetry.rollups.reading import Figures, Reader

if TYPE_CHECKING:
    from django.db.models import QuerySet

# By the fields of the filter what rollups know. For other filters there are no figures at hand.
_DIMENSIONS = {
    "provider": "provider",
    "model": "request_model",
    "status": "status",
    "version": "prompt_version",
    "key": "token_id",
}
_UNKNOWN = ("prompt", "price")
WORDS = 160


@dataclass(frozen=True, slots=True)
class Strip:
    """The figures of all calls that the filters leave, as they are shown."""

    calls: str
    failed: str
    seconds_p50: str
    seconds_p95: str
    tokens: str
    cost: str
    unpriced: int


def strip_of(form: GenerationFilter, *, user: User, now: datetime) -> Strip | None:
    """None where a filter is wrong, or asks for what rollups do not know."""
    if not form.is_valid() or any(form.cleaned_data.get(name) for name in _UNKNOWN):
        return None
    span = _span(form, now)
    if span is None:
        return None
    alike = {column: form.cleaned_data.get(name) for name, column in _DIMENSIONS.items()}
    given = {column: value for column, value in alike.items() if value not in (None, "")}
    figures = Reader(span, now=now, users=_users(form, user), alike=given).total()
    return _shown(figures)


def _shown(figures: Figures) -> Strip:
    share = figures.failed_share
    return Strip(
        calls=f"{figures.calls:,}",
        failed=f"{figures.failed:,} ({share * 100:.1f}%)" if share is not None else "0",
        seconds_p50=numbers.seconds(figures.seconds_percentile(0.5)),
        seconds_p95=numbers.seconds(figures.seconds_percentile(0.95)),
        tokens=numbers.compact(figures.all_tokens),
        cost=numbers.cost(figures.cost_usd, unpriced=figures.unpriced),
        unpriced=figures.unpriced,
    )


def _span(form: GenerationFilter, now: datetime) -> Span | None:
    """From the first call on, where the filter sets no start."""
    start, end = form.bounds(now)
    start = start or Generation.objects.order_by("started_at").values_list("started_at", flat=True).first()
    end = end or now
    return Span(start, end) if start and start < end else None


def _users(form: GenerationFilter, user: User) -> list[int] | None:
    users: QuerySet[User, Any] | None = form.users()
    if users is not None:
        return list(users.values_list("pk", flat=True))
    return None if user.is_administrator else [user.pk]


_FIRST_WORDS = """
SELECT content.generation_id, left(message.text, %(words)s)
FROM unnest(%(calls)s::uuid[]) AS call (id)
JOIN telemetry_generationcontent AS content ON content.generation_id = call.id
JOIN telemetry_contextmessage AS message
  ON message.user_id = %(user)s AND message.period = content.period AND message.digest = content.head
WHERE message.role = 'user'
"""


def first_words_of(calls: Sequence[Generation], *, viewer: User) -> Mapping[UUID, str]:
    """The beginning of the last question of each call, of the viewer's own alone: to read others' is recorded."""
    own = [call.pk for call in calls if call.user_id == viewer.pk]
    with connection.cursor() as cursor:
        cursor.execute(_FIRST_WORDS, {"calls": own, "user": viewer.pk, "words": WORDS})
        return {pk: " ".join(text.split()) for pk, text in cursor.fetchall()}
