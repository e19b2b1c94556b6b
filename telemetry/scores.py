"""What users think of the answers of calls."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from django.conf import settings
from django.db import models
from django.db.models import Count, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce


class ScoreQuerySet(models.QuerySet["Score"]):
    def of_version(self, prompt_id: UUID, *, since: datetime, value: int) -> Coalesce:
        """How many there are, within a query of calls by ``prompt_version``."""
        given = self.filter(
            prompt_id=prompt_id, prompt_version=OuterRef("prompt_version"), value=value, created_at__gte=since
        )
        counted = given.order_by().values("prompt_version").annotate(count=Count("pk")).values("count")
        return Coalesce(Subquery(counted), 0)


class Score(models.Model):
    """What a user thinks of the answer of a call. The call by its id alone: its record may be gone before.

    The version of the prompt that the call was made with is kept here too, so that a version has its scores at hand.
    """

    class Value(models.IntegerChoices):
        BAD = -1, "Bad"
        GOOD = 1, "Good"

    call_id = models.UUIDField()
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="scores", db_index=False)
    value = models.SmallIntegerField(choices=Value)
    note = models.TextField(max_length=2000, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    prompt_id = models.UUIDField(null=True)
    prompt_version = models.PositiveIntegerField(null=True)

    objects = ScoreQuerySet.as_manager()

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["user", "call_id"], name="score_stands_once"),
            models.CheckConstraint(condition=Q(value__in=(-1, 1)), name="score_is_good_or_bad"),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["call_id"], name="score_of_call"),
            models.Index(
                fields=["prompt_id", "prompt_version", "created_at"],
                condition=Q(prompt_id__isnull=False),
                name="score_of_prompt_version",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_value_display()} for {self.call_id}"
