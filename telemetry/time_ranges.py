"""A range of time as a range of ids, by which PostgreSQL knows the partitions that it need not look into."""

from __future__ import annotations

from datetime import datetime
from functools import cache

from django.db import models
from django.db.models import Q

from telemetry.call_ids import first_id, first_id_after


class RandomIds(models.Model):
    """Calls from before ids carried the time have random ones, up to ``last_started_at``. One row, or none."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    last_started_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"until {self.last_started_at}"


@cache
def ordered_after() -> datetime | None:
    """For ever the same: no call gets a random id any more."""
    return RandomIds.objects.values_list("last_started_at", flat=True).first()


def started_within(start: datetime | None, end: datetime | None) -> Q:
    """Calls that started at ``start`` or later, and before ``end``, by time and by id.

    By id, PostgreSQL leaves out all partitions but those of the time asked for. Where that reaches back to calls with
    random ids, it looks into all of them.
    """
    random_until = ordered_after()
    bounds = Q(started_at__gte=start) if start else Q()
    bounds &= Q(started_at__lt=end) if end else Q()
    if random_until and (start is None or start <= random_until):
        return bounds
    bounds &= Q(id__gte=first_id(start)) if start else Q()
    return bounds & Q(id__lt=first_id_after(end)) if end else bounds
