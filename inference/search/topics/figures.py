"""What the calls of each topic cost, how many failed, and what a cache would have saved."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import connection
from django.utils import timezone

from accounts.models import User
from inference.search.models import Topic

# A call repeats another if everything that was sent, the model and the parameters are the same.
_FIGURES = """
SELECT topic_id, count(*), count(*) FILTER (WHERE status IN ('failed', 'interrupted')),
  coalesce(sum(cost_usd), 0), count(*) FILTER (WHERE nth > 1),
  coalesce(sum(cost_usd) FILTER (WHERE nth > 1), 0)
FROM (
  SELECT member.topic_id, call.status, call.cost_usd,
    CASE WHEN content.head IS NOT NULL AND call.status = 'succeeded' THEN row_number() OVER (
      PARTITION BY content.head, call.status, call.provider, call.base_url, call.request_model, call.parameters
      ORDER BY call.started_at
    ) END AS nth
  FROM search_topiccall AS member
  JOIN search_topic AS topic ON topic.id = member.topic_id
  JOIN telemetry_generation AS call ON call.id = member.call_id AND call.user_id = topic.user_id
  LEFT JOIN telemetry_generationcontent AS content ON content.generation_id = call.id
  WHERE topic.user_id = %(user)s AND call.started_at >= %(start)s
) AS counted
GROUP BY topic_id
"""
_DAYS = """
SELECT member.topic_id, (call.started_at AT TIME ZONE %(zone)s)::date, count(*)
FROM search_topiccall AS member
JOIN search_topic AS topic ON topic.id = member.topic_id
JOIN telemetry_generation AS call ON call.id = member.call_id AND call.user_id = topic.user_id
WHERE topic.user_id = %(user)s AND call.started_at >= %(start)s
GROUP BY 1, 2
"""


@dataclass(frozen=True, slots=True)
class Bar:
    """Of one day. Sizes are of a drawing that is 20 high."""

    day: date
    calls: int
    x: int
    y: float
    height: float


@dataclass(frozen=True, slots=True)
class TopicFigures:
    """``repeats``: calls that had been answered before. Costs are USD."""

    pk: UUID
    words: list[str]
    first_seen_at: datetime
    bars: list[Bar]
    calls: int
    failed: int
    cost: Decimal
    repeats: int
    repeats_cost: Decimal

    @property
    def name(self) -> str:
        return ", ".join(self.words)

    @property
    def failed_share(self) -> float:
        return 100 * self.failed / self.calls

    @property
    def repeats_share(self) -> float:
        return 100 * self.repeats / self.calls


def topics_of(user: User, *, days: int, now: datetime) -> list[TopicFigures]:
    """Those with the most calls first."""
    values = {"user": user.pk, "start": now - timedelta(days=days), "zone": timezone.get_current_timezone_name()}
    topics = Topic.objects.filter(user=user).in_bulk()
    by_day: dict[UUID, dict[date, int]] = {}
    for pk, day, calls in _rows(_DAYS, values):
        by_day.setdefault(pk, {})[day] = calls
    last = timezone.localdate(now)
    shown = [last - timedelta(days=ago) for ago in range(days, -1, -1)]
    found = [
        TopicFigures(pk, topics[pk].words, topics[pk].first_seen_at, _bars(by_day.get(pk, {}), shown), *figures)
        for pk, *figures in _rows(_FIGURES, values)
        if pk in topics
    ]
    return sorted(found, key=lambda topic: (-topic.calls, topic.name))


def _rows(query: str, values: dict[str, Any]) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(query, values)
        rows: list[Any] = cursor.fetchall()
    return rows


def _bars(by_day: dict[date, int], days: list[date]) -> list[Bar]:
    most = max(by_day.values(), default=1)
    bars = []
    for place, day in enumerate(days):
        height = round(20 * by_day.get(day, 0) / most, 1)
        bars.append(Bar(day, by_day.get(day, 0), 4 * place, 20 - height, height))
    return bars
