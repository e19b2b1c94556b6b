"""The rows of rollups, and the hours that they are behind in."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from pgvector.django import SparseVectorField

from telemetry.rollups.histogram import BINS


class Rollup(models.Model):
    """The calls of one hour or day in UTC that are alike in all that is not counted.

    Of histograms, each element is a bin (``telemetry.rollups.histogram``) and how many calls are in it; NULL is none.
    pgvector adds them up ten times as fast as any way that PostgreSQL has to add JSON.
    """

    hours = models.PositiveSmallIntegerField(help_text="How many it covers: 1 or 24.")
    by_caller = models.BooleanField(help_text="Else user, key and prompt are empty: one row has the calls of all.")
    start = models.DateTimeField()

    provider = models.CharField(max_length=30)
    base_url = models.CharField(max_length=300, blank=True)
    request_model = models.CharField(max_length=200)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+", db_index=False
    )
    token_id = models.UUIDField(null=True)
    prompt_id = models.UUIDField(null=True)
    prompt_version = models.PositiveIntegerField(null=True)
    status = models.CharField(max_length=15)
    error_type = models.CharField(max_length=40, blank=True)

    calls = models.PositiveBigIntegerField()
    input_tokens = models.PositiveBigIntegerField()
    cache_read_tokens = models.PositiveBigIntegerField()
    cache_write_tokens = models.PositiveBigIntegerField()
    output_tokens = models.PositiveBigIntegerField()
    reasoning_tokens = models.PositiveBigIntegerField()
    cost_usd = models.DecimalField(max_digits=24, decimal_places=12)
    unpriced = models.PositiveBigIntegerField()
    seconds = SparseVectorField(dimensions=BINS, null=True, help_text="Histogram of durations.")
    first_token = SparseVectorField(dimensions=BINS, null=True, help_text="Histogram of times to first token.")

    class Meta:
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["by_caller", "hours", "start"], name="rollup_time"),
            models.Index(fields=["user", "hours", "start"], name="rollup_of_user"),
        ]

    def __str__(self) -> str:
        return f"{self.calls} calls of {self.request_model} from {self.start}"


class StaleHour(models.Model):
    """A call of this hour was stored, changed or deleted. A trigger notes it, as often as it happens.

    There is no constraint: whoever stores a call would wait for others who store one in the same hour.
    """

    id = models.BigAutoField(primary_key=True)
    hour = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return str(self.hour)
