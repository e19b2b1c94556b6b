"""What every call to a model used, took and cost, in the terms of the OpenTelemetry GenAI conventions."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar, Self
from uuid import UUID

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Avg, Count, F, FloatField, Q, Sum
from django.db.models.functions import Coalesce, Extract, Now
from django.urls import reverse

from listing.periods import PeriodsByIndex
from telemetry.aggregates import Percentile
from telemetry.content.models import ContextMessage as ContextMessage
from telemetry.content.models import GenerationContent as GenerationContent
from telemetry.costs.models import Budget as Budget
from telemetry.costs.models import BudgetAlert as BudgetAlert
from telemetry.explorer.models import SavedView as SavedView
from telemetry.fields import CallIdField
from telemetry.prices.models import ModelRetirement as ModelRetirement
from telemetry.prices.models import PriceList as PriceList
from telemetry.prices.models import PriceOverride as PriceOverride
from telemetry.prompt_use import VersionFigures
from telemetry.rollups.models import Rollup as Rollup
from telemetry.rollups.models import StaleHour as StaleHour
from telemetry.scores import Score as Score
from telemetry.time_ranges import started_within

if TYPE_CHECKING:
    from accounts.models import User


class Status(models.TextChoices):
    RUNNING = "running", "Running"
    SUCCEEDED = "succeeded", "Succeeded"
    FAILED = "failed", "Failed"
    STOPPED = "stopped", "Stopped"
    INTERRUPTED = "interrupted", "Interrupted"


class UsageSource(models.TextChoices):
    REPORTED = "reported", "Reported by the provider"
    ESTIMATED = "estimated", "Estimated"


@dataclass(frozen=True, slots=True)
class Summary:
    """A set of calls in figures. Times are seconds, of the calls that succeeded; None where there were none."""

    counts: Mapping[Status, int]
    seconds_p50: float | None
    seconds_p95: float | None
    first_token_samples: int
    first_token_p50: float | None
    first_token_p95: float | None
    cost_usd: Decimal
    priced: int
    unpriced: int

    @property
    def total(self) -> int:
        return sum(self.counts.values())


@dataclass(frozen=True, slots=True)
class Spend:
    """``unpriced``: calls that used tokens and whose price is not known, so that they are not in the sum."""

    usd: Decimal
    unpriced: int


UNPRICED = Q(cost_usd=None, input_tokens__isnull=False)
_SUCCEEDED = Q(status=Status.SUCCEEDED)
_SECONDS = Extract(F("ended_at") - F("started_at"), "epoch", output_field=FloatField())
_FIRST_TOKEN = Extract(F("first_token_at") - F("started_at"), "epoch", output_field=FloatField())


class GenerationQuerySet(PeriodsByIndex["Generation"]):
    def visible_to(self, user: User) -> Self:
        return self if user.is_administrator else self.filter(user=user)

    def between(self, start: datetime | None, end: datetime | None) -> Self:
        return self.filter(started_within(start, end))

    def spent_by_token(self, token_ids: Collection[UUID], *, since: datetime) -> dict[UUID, Spend]:
        """What each token that was used has cost. An index alone answers it."""
        used = self.between(since, None).filter(token_id__in=token_ids).order_by().values("token_id")
        rows = used.annotate(usd=Coalesce(Sum("cost_usd"), Decimal()), unpriced=Count("started_at", filter=UNPRICED))
        return {row["token_id"]: Spend(row["usd"], row["unpriced"]) for row in rows if row["token_id"]}

    def figures_of_prompt(
        self, prompt_id: UUID, versions: Collection[int], *, since: datetime
    ) -> dict[int, VersionFigures]:
        """By version, for those that were used. An index finds their calls."""
        calls = self.between(since, None).filter(prompt_id=prompt_id, prompt_version__in=versions)
        grouped = (
            calls.order_by()
            .values("prompt_version")
            .annotate(
                uses=Count("pk"),
                ended=Count("pk", filter=~Q(status=Status.RUNNING)),
                failed=Count("pk", filter=Q(status__in=(Status.FAILED, Status.INTERRUPTED))),
                seconds_p50=Percentile(_SECONDS, fraction=0.5, filter=_SUCCEEDED),
                seconds_p95=Percentile(_SECONDS, fraction=0.95, filter=_SUCCEEDED),
                mean_cost=Avg("cost_usd"),
                good=Score.objects.of_version(prompt_id, since=since, value=Score.Value.GOOD),
                bad=Score.objects.of_version(prompt_id, since=since, value=Score.Value.BAD),
            )
        )
        names = ("uses", "ended", "failed", "seconds_p50", "seconds_p95", "mean_cost", "good", "bad")
        rows: Iterable[Any] = grouped.values_list("prompt_version", *names)
        return {version: VersionFigures(*figures) for version, *figures in rows}

    def running(self) -> Self:
        return self.filter(status=Status.RUNNING)

    def open_to_result(self) -> Self:
        """Running, or taken for interrupted, which the result of the call shows to be wrong. Never of deleted users."""
        return self.filter(Q(status=Status.RUNNING) | Q(status=Status.INTERRUPTED, user__isnull=False))

    def summary(self) -> Summary:
        """One scan over the calls of the set; ``unpriced`` are those that used tokens of unknown price."""
        figures = self.order_by().aggregate(
            **{status.value: Count("pk", filter=Q(status=status)) for status in Status},
            seconds_p50=Percentile(_SECONDS, fraction=0.5, filter=_SUCCEEDED),
            seconds_p95=Percentile(_SECONDS, fraction=0.95, filter=_SUCCEEDED),
            first_token_samples=Count("first_token_at", filter=_SUCCEEDED),
            first_token_p50=Percentile(_FIRST_TOKEN, fraction=0.5, filter=_SUCCEEDED),
            first_token_p95=Percentile(_FIRST_TOKEN, fraction=0.95, filter=_SUCCEEDED),
            priced=Count("cost_usd"),
            unpriced=Count("pk", filter=UNPRICED),
            # Last, since from here on the name means the sum.
            cost_usd=Sum("cost_usd", default=Decimal(0)),
        )
        return Summary(counts={status: figures.pop(status.value) for status in Status}, **figures)


class Generation(models.Model):
    """One call to a model. The row exists before the provider is called and always ends.

    The table is partitioned by id, that is by month (``telemetry.partitions``). No foreign key may point at it, since
    it would keep partitions from being dropped: those that do are for Django only.
    """

    id = CallIdField(primary_key=True, editable=False)
    # Nobody's once the person is erased.
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="generations", db_index=False
    )
    conversation_id = models.UUIDField(null=True, db_index=True)
    token_id = models.UUIDField("provider token", null=True)
    token_label = models.CharField(max_length=100, blank=True)

    provider = models.CharField(max_length=30)
    # Where another server than the provider's own has answered in its dialect.
    base_url = models.CharField("base URL", max_length=300, blank=True)
    request_model = models.CharField(max_length=200)
    response_model = models.CharField(max_length=200, blank=True)
    response_id = models.CharField(max_length=200, blank=True)
    provider_request_id = models.CharField(max_length=200, blank=True)
    parameters = models.JSONField(default=dict)

    # The version of a prompt that was used, if one was; not a foreign key, since the record outlives the prompt.
    prompt_id = models.UUIDField(null=True)
    prompt_name = models.CharField(max_length=200, blank=True)
    prompt_version = models.PositiveIntegerField(null=True)
    prompt_labels = models.JSONField(default=dict, help_text="The version that each label served at the time.")

    # What the application that asked for the call says of it.
    end_user = models.CharField("end user", max_length=200, blank=True, db_default="")
    session_id = models.CharField("session", max_length=200, blank=True, db_default="")
    tags = ArrayField(models.CharField(max_length=100), blank=True, default=list, db_default=[])

    status = models.CharField(max_length=15, choices=Status, default=Status.RUNNING)
    finish_reason = models.CharField(max_length=30, blank=True)
    error_type = models.CharField(max_length=40, blank=True)
    error_message = models.TextField(blank=True)
    error_status = models.PositiveSmallIntegerField("HTTP status", null=True)
    attempts = models.JSONField(default=list, help_text="Each attempt: start, seconds, error, status, wait.")

    started_at = models.DateTimeField()
    first_token_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    # By the clock of the database, the only one that all processes share.
    heartbeat_at = models.DateTimeField(db_default=Now())
    # The process that makes the call, see inference.runs.process_lock. Empty in rows from before it was recorded.
    process_id = models.IntegerField(null=True)

    # Disjoint classes: input excludes the two cache classes, output excludes reasoning.
    input_tokens = models.PositiveIntegerField(null=True)
    cache_read_tokens = models.PositiveIntegerField(null=True)
    cache_write_tokens = models.PositiveIntegerField(null=True)
    output_tokens = models.PositiveIntegerField(null=True)
    reasoning_tokens = models.PositiveIntegerField(null=True)
    usage_source = models.CharField(max_length=10, choices=UsageSource, blank=True)
    usage_note = models.TextField(
        blank=True, db_default="", help_text="Which figures were believed, where they differ."
    )

    usage_details = models.JSONField(
        default=dict,
        db_default={},
        blank=True,
        help_text="What of the tokens is billed apart, such as audio; fees by the piece; the service tier.",
    )

    cost_usd = models.DecimalField(max_digits=24, decimal_places=12, null=True, help_text="Empty means unpriced.")
    receipt = models.JSONField(null=True, help_text="How the cost came about: tokens times unit price, by class.")

    objects = GenerationQuerySet.as_manager()

    # What the viewer of a page thinks of it, where ``ratings.add_ratings`` has looked.
    rating: Score | None = None

    class Meta:
        ordering: ClassVar[list[str]] = ["-started_at", "-id"]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["-started_at", "-id"], name="generation_newest"),
            models.Index(fields=["user", "-started_at", "-id"], name="generation_newest_of_user"),
            models.Index(
                fields=["token_id", "started_at"],
                include=["cost_usd", "input_tokens"],
                name="generation_spend_of_token",
            ),
            models.Index(
                fields=["prompt_id", "prompt_version", "started_at"],
                condition=Q(prompt_id__isnull=False),
                name="generation_of_prompt_version",
            ),
            models.Index(fields=["heartbeat_at"], condition=Q(status=Status.RUNNING), name="generation_running"),
            # For lists of one filter, newest first. What is rare would else be looked for among all calls.
            models.Index(fields=["provider", "-started_at", "-id"], name="generation_of_provider"),
            models.Index(fields=["request_model", "-started_at", "-id"], name="generation_of_model"),
            models.Index(
                fields=["base_url", "-started_at", "-id"], condition=~Q(base_url=""), name="generation_of_endpoint"
            ),
            models.Index(
                fields=["prompt_name", "-started_at", "-id"], condition=~Q(prompt_name=""), name="generation_of_prompt"
            ),
            models.Index(
                fields=["status", "-started_at", "-id"],
                condition=~Q(status=Status.SUCCEEDED),
                name="generation_not_succeeded",
            ),
            models.Index(
                fields=["error_type", "-started_at", "-id"], condition=~Q(error_type=""), name="generation_of_error"
            ),
        ]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                condition=Q(status=Status.RUNNING, ended_at=None)
                | (~Q(status=Status.RUNNING) & Q(ended_at__isnull=False)),
                name="generation_ended_iff_not_running",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.provider} {self.request_model}"

    def get_absolute_url(self) -> str:
        return reverse("telemetry:generation-detail", args=[self.pk])

    @property
    def seconds(self) -> float | None:
        return (self.ended_at - self.started_at).total_seconds() if self.ended_at else None

    @property
    def seconds_to_first_token(self) -> float | None:
        return (self.first_token_at - self.started_at).total_seconds() if self.first_token_at else None

    @property
    def total_input_tokens(self) -> int | None:
        return _sum(self.input_tokens, self.cache_read_tokens, self.cache_write_tokens)

    @property
    def total_output_tokens(self) -> int | None:
        return _sum(self.output_tokens, self.reasoning_tokens)

    @property
    def labels_then(self) -> list[str]:
        """The labels that served the version of the prompt when the call was made."""
        return sorted(label for label, version in self.prompt_labels.items() if version == self.prompt_version)

    @property
    def error_title(self) -> str:
        return self.error_type.replace("_", " ").capitalize()

    @property
    def is_unpriced(self) -> bool:
        """Tokens were used, and what they cost is not known."""
        return self.cost_usd is None and self.input_tokens is not None

    @property
    def output_tokens_per_second(self) -> float | None:
        """Speed after the first token; None when the answer came in one piece."""
        if not (self.first_token_at and self.ended_at and self.total_output_tokens):
            return None
        seconds = (self.ended_at - self.first_token_at).total_seconds()
        return self.total_output_tokens / seconds if seconds > 0 else None


def _sum(*counts: int | None) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if known else None
