"""Backtests: recorded calls that run again with another version, model or parameters, within a budget."""

from __future__ import annotations

import uuid
from decimal import Decimal
from typing import ClassVar

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q, Sum
from django.db.models.functions import Coalesce
from django.urls import reverse

from accounts.providers import label_of
from accounts.sharing import Shared, SharedQuerySet

MOST_CALLS = 1_000
MOST_PARALLEL = 8


class State(models.TextChoices):
    DRAFT = "draft", "Not started"
    RUNNING = "running", "Running"
    PAUSED = "paused", "Paused"
    CANCELLED = "cancelled", "Cancelled"
    DONE = "done", "Done"
    OVER_BUDGET = "over_budget", "Budget reached"


class CallState(models.TextChoices):
    WAITING = "waiting", "Waiting"
    RUNNING = "running", "Running"
    DONE = "done", "Done"
    FAILED = "failed", "Failed"
    SKIPPED = "skipped", "Not replayed"
    INTERRUPTED = "interrupted", "Interrupted"
    STOPPED = "stopped", "Stopped"


class Verdict(models.TextChoices):
    BETTER = "better", "Better"
    SAME = "same", "Same"
    WORSE = "worse", "Worse"


class BacktestQuerySet(SharedQuerySet["Backtest"]):
    def unfinished(self) -> BacktestQuerySet:
        """Those that a worker still has something to do for."""
        return self.filter(Q(state=State.RUNNING) | Q(calls__state=CallState.RUNNING)).distinct()


class Backtest(Shared):
    """``filters`` say which calls were to be replayed, ``seed`` which of them were drawn.

    ``prompt_id`` is the prompt that the calls were made from; ``target_version`` the version of it that they are
    replayed with, None for their own messages. ``model`` empty means the model and parameters of each call.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="backtests")
    title = models.CharField(max_length=200)

    filters = models.JSONField(default=dict)
    matching = models.PositiveIntegerField(help_text="Calls that the filters found.")
    seed = models.PositiveIntegerField()
    prompt_id = models.UUIDField(null=True)
    prompt_name = models.CharField(max_length=200, blank=True)

    target_version = models.PositiveIntegerField(null=True)
    provider = models.CharField(max_length=30, blank=True)
    model = models.CharField(max_length=200, blank=True)
    # The provider key that was chosen; without one, the owner's default of the provider.
    token_id = models.UUIDField(null=True)
    parameters = models.JSONField(default=dict)

    budget_usd = models.DecimalField(max_digits=12, decimal_places=6)
    parallel = models.PositiveSmallIntegerField(
        default=4, validators=[MinValueValidator(1), MaxValueValidator(MOST_PARALLEL)]
    )
    # Calls without a known price that may be made. 0: none, since nobody has agreed to it.
    most_unpriced = models.PositiveIntegerField(default=0)
    estimate = models.JSONField(default=dict)
    # Of replays that were asked for once more.
    lost_usd = models.DecimalField(max_digits=24, decimal_places=12, default=Decimal())

    state = models.CharField(max_length=15, choices=State, default=State.DRAFT)
    note = models.CharField(max_length=500, blank=True, help_text="Why it does not go on, or waits.")
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    objects = BacktestQuerySet.as_manager()

    class Meta(Shared.Meta):
        ordering = ["-created_at", "-id"]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["owner", "-created_at", "-id"], name="backtest_newest_of_owner"),
            models.Index(fields=["state"], condition=Q(state=State.RUNNING), name="backtest_running"),
        ]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            *Shared.Meta.constraints,
            models.CheckConstraint(condition=Q(budget_usd__gt=0), name="backtest_has_a_budget"),
        ]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return reverse("backtests:backtest-detail", args=[self.pk])

    @property
    def used_usd(self) -> Decimal:
        """What its calls have cost, and what is set aside for those that run."""
        used = self.calls.aggregate(used=Sum(Coalesce("cost_usd", "reserved_usd"), default=Decimal()))["used"]
        return Decimal(used) + self.lost_usd

    @property
    def target(self) -> str:
        """For example ``v16 on gpt-4.1-mini``."""
        version = f"v{self.target_version}" if self.target_version else ""
        return " on ".join(filter(None, (version, self.model))) or "the same prompt and model"

    @property
    def provider_label(self) -> str:
        return label_of(self.provider) if self.provider else ""

    @property
    def is_active(self) -> bool:
        return self.state == State.RUNNING

    @property
    def tone(self) -> str:
        tones = {State.RUNNING: "busy", State.DONE: "good", State.PAUSED: "caution", State.OVER_BUDGET: "caution"}
        return tones.get(State(self.state), "caution" if self.state == State.CANCELLED else "draft")


class BacktestCall(models.Model):
    """One recorded call and its replay, both by id alone: the records may be gone before this row.

    ``reserved_usd`` is the most that the replay can cost, set aside before it starts; ``cost_usd`` what is counted for
    it once it has ended. ``measures``: by name, before, after and verdict, see ``comparing``.
    """

    backtest = models.ForeignKey(Backtest, models.CASCADE, related_name="calls")
    position = models.PositiveIntegerField()
    call_id = models.UUIDField()
    replay_id = models.UUIDField(null=True, unique=True)
    state = models.CharField(max_length=15, choices=CallState, default=CallState.WAITING)
    problem = models.CharField(max_length=500, blank=True)
    is_unpriced = models.BooleanField(default=False)
    reserved_usd = models.DecimalField(max_digits=24, decimal_places=12, null=True)
    cost_usd = models.DecimalField(max_digits=24, decimal_places=12, null=True)
    verdict = models.CharField(max_length=10, choices=Verdict, blank=True)
    decided_by = models.CharField(max_length=20, blank=True)
    measures = models.JSONField(default=dict)

    class Meta:
        ordering = ["position"]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["backtest", "state", "position"], name="backtest_calls_by_state"),
        ]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["backtest", "call_id"], name="backtest_replays_a_call_once"),
            models.CheckConstraint(
                condition=~Q(state=CallState.RUNNING) | Q(replay_id__isnull=False), name="running_replay_has_a_call"
            ),
        ]

    def __str__(self) -> str:
        return f"call {self.position} of {self.backtest}"

    def get_absolute_url(self) -> str:
        return reverse("backtests:call-detail", args=[self.backtest_id, self.pk])

    @property
    def can_run_again(self) -> bool:
        return self.state in AGAIN


# What may be asked for once more; all that is known of them is that no answer is there.
AGAIN = (CallState.FAILED, CallState.INTERRUPTED, CallState.STOPPED)
