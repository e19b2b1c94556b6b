"""What a change of a label goes through: a rollout to a part of its users, and the approval of a protected label."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.urls import reverse

from prompts.models.registry import LABEL_NAME, LATEST, LabelMove, Prompt
from prompts.rollout_rules import Guards

if TYPE_CHECKING:
    from accounts.models import User


class RolloutState(models.TextChoices):
    RUNNING = "running", "Running"
    PROMOTED = "promoted", "Promoted"
    ENDED = "ended", "Ended"
    STOPPED = "stopped", "Stopped by a guard"


class RolloutQuerySet(models.QuerySet["Rollout"]):
    def running(self) -> Self:
        return self.filter(state=RolloutState.RUNNING)


class Rollout(models.Model):
    """That a part of those who ask for a label were served another version, from when to when, and why it ended."""

    prompt = models.ForeignKey(Prompt, models.CASCADE, related_name="rollouts")
    label = models.CharField(max_length=50)
    from_version = models.PositiveIntegerField()
    to_version = models.PositiveIntegerField()
    percent = models.PositiveIntegerField()
    reason = models.CharField(max_length=500, blank=True)
    min_calls = models.PositiveIntegerField()
    max_error_percent = models.FloatField("highest error rate (%)", null=True)
    max_seconds_p95 = models.FloatField("highest p95 duration (s)", null=True)
    max_usd_per_call = models.DecimalField("highest cost per call (USD)", max_digits=12, decimal_places=6, null=True)
    state = models.CharField(max_length=10, choices=RolloutState, default=RolloutState.RUNNING)
    started_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    started_at = models.DateTimeField(db_default=Now())
    # Nobody, where a guard has ended it.
    ended_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    ended_at = models.DateTimeField(null=True)
    end_reason = models.CharField(max_length=500, blank=True)

    objects = RolloutQuerySet.as_manager()

    class Meta:
        ordering = ["-started_at", "-pk"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["prompt", "label"], condition=Q(state=RolloutState.RUNNING), name="rollout_runs_once"
            ),
            models.CheckConstraint(condition=Q(percent__range=(1, 99)), name="rollout_is_a_part"),
            models.CheckConstraint(
                condition=Q(state=RolloutState.RUNNING, ended_at=None)
                | (~Q(state=RolloutState.RUNNING) & Q(ended_at__isnull=False)),
                name="rollout_ended_iff_not_running",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.label} of {self.prompt} to v{self.to_version}"

    @property
    def guards(self) -> Guards:
        return Guards(self.min_calls, self.max_error_percent, self.max_seconds_p95, self.max_usd_per_call)


class Approval(models.TextChoices):
    """Who has to agree to a move of a protected label."""

    ADMINISTRATOR = "administrator", "An administrator"
    SECOND_USER = "second_user", "A second user, who may edit the prompt or is an administrator"


class ProtectedLabel(models.Model):
    """A label that nobody sets, moves or removes alone, in all prompts. Administrators make the list."""

    name = models.CharField("label", max_length=50, unique=True, validators=[LABEL_NAME])
    approval = models.CharField("needs", max_length=20, choices=Approval, default=Approval.ADMINISTRATOR)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                condition=~Q(name=LATEST),
                name="latest_is_not_protected",
                violation_error_message="“latest” always names the newest version. It cannot be protected.",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def as_audited(self) -> dict[str, str]:
        return {"label": self.name, "approval": self.approval}


class ProposalState(models.TextChoices):
    OPEN = "open", "Open"
    APPROVED = "approved", "Approved"
    DECLINED = "declined", "Declined"
    WITHDRAWN = "withdrawn", "Withdrawn"
    VOID = "void", "Void"


class LabelProposalQuerySet(models.QuerySet["LabelProposal"]):
    def open(self) -> Self:
        return self.filter(state=ProposalState.OPEN)

    def to_decide(self, user: User) -> Self:
        """Open ones of others: for administrators who see the prompt, and for those who edit it, unless the label needs
        an administrator.
        """
        of_others = self.open().exclude(proposer=user)
        if user.is_administrator:
            return of_others.filter(prompt__in=Prompt.objects.visible_to(user).order_by())
        guarded = ProtectedLabel.objects.filter(approval=Approval.ADMINISTRATOR).order_by().values("name")
        return of_others.filter(prompt__in=Prompt.objects.editable_by(user).order_by()).exclude(label__in=guarded)

    def void(self) -> int:
        """Ends the open ones: what they were about has changed."""
        return self.open().update(state=ProposalState.VOID, decided_at=Now())


class LabelProposal(models.Model):
    """A move of a protected label that waits for approval, or has got it. ``to_version`` is None for a removal."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    prompt = models.ForeignKey(Prompt, models.CASCADE, related_name="label_proposals")
    label = models.CharField(max_length=50)
    from_version = models.PositiveIntegerField(null=True)
    to_version = models.PositiveIntegerField(null=True)
    proposer = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    reason = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    state = models.CharField(max_length=20, choices=ProposalState, default=ProposalState.OPEN)
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)
    note = models.CharField(max_length=500, blank=True)
    move = models.OneToOneField(LabelMove, models.SET_NULL, null=True, related_name="proposal")

    objects = LabelProposalQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-pk"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["prompt", "label"], condition=Q(state="open"), name="one_open_proposal_per_label"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.label} of {self.prompt} to {self.to_version}"

    def get_absolute_url(self) -> str:
        return reverse("prompts:proposal-detail", args=[self.pk])

    @property
    def is_open(self) -> bool:
        return self.state == ProposalState.OPEN
