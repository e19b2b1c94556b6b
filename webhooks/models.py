"""Webhooks: addresses that are told when a label moves or a budget is used up, and what was sent to them."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any, ClassVar, Self
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Exists, F, OuterRef, Q, Value
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from prompts.models import LabelMove, Prompt
from telemetry.models import BudgetAlert
from tokens.fields import SealedField

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

# Bytes of an answer that are kept.
LONGEST_RESPONSE = 2048


class WebhookQuerySet(models.QuerySet["Webhook"]):
    def owned_by(self, user: User | AnonymousUser) -> Self:
        return self.filter(owner_id=user.pk) if user.is_active else self.none()

    def about(self, move: LabelMove) -> Self:
        """Active ones that ask for such a move, of owners who may read the prompt."""
        readable = Prompt.objects.filter(pk=move.prompt_id).visible_to_each(OuterRef("owner"))
        asking = self.filter(Q(labels=[]) | Q(labels__contains=[move.label]), on_moves=True)
        asking = asking.filter(is_active=True, owner__is_active=True)
        named = asking.alias(prompt_name=Value(move.prompt.name)).filter(prompt_name__startswith=F("name_prefix"))
        return named.filter(Exists(readable))

    def of_budgets(self) -> Self:
        """Active ones that ask for alerts of budgets, of administrators: nobody else sees budgets."""
        owners = User.objects.administrators()
        return self.filter(on_budgets=True, is_active=True, owner__in=owners)


class Webhook(models.Model):
    """Only ``services`` and ``delivering`` seal and open its secret."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="webhooks")
    name = models.CharField(max_length=80)
    url = models.CharField("URL", max_length=500)
    name_prefix = models.CharField("prompts that begin with", max_length=200, blank=True)
    labels = ArrayField(models.CharField(max_length=50), default=list, blank=True)
    on_moves = models.BooleanField("label moves", default=True, db_default=True)
    on_budgets = models.BooleanField("budget alerts", default=False, db_default=False)
    is_active = models.BooleanField("active", default=True)
    secret = SealedField(bound_to=("owner_id",), set_at="secret_set_at")
    secret_set_at = models.DateTimeField(default=timezone.now)
    last_used_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = WebhookQuerySet.as_manager()

    class Meta:
        ordering = ["name", "created_at"]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("webhooks:webhook-detail", args=[self.pk])

    @property
    def host(self) -> str:
        """What of the URL others may know: the rest can hold a secret of its receiver."""
        return urlsplit(self.url).netloc

    def as_audited(self) -> dict[str, Any]:
        return {
            "host": self.host,
            "name_prefix": self.name_prefix,
            "labels": self.labels,
            "on_moves": self.on_moves,
            "on_budgets": self.on_budgets,
            "is_active": self.is_active,
        }


class Event(models.TextChoices):
    LABEL_MOVED = "prompt.label.moved", "Label moved"
    BUDGET_REACHED = "budget.threshold.reached", "Budget alert"
    PING = "ping", "Test"


class DeliveryState(models.TextChoices):
    PENDING = "pending", "Pending"
    DELIVERED = "delivered", "Delivered"
    FAILED = "failed", "Failed"
    CANCELLED = "cancelled", "Not sent"


class Delivery(models.Model):
    """One event for one webhook, however often it is tried. A test has neither ``move`` nor ``alert``."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    webhook = models.ForeignKey(Webhook, models.CASCADE, related_name="deliveries")
    event = models.CharField(max_length=30, choices=Event)
    move = models.ForeignKey(LabelMove, models.CASCADE, null=True, related_name="+")
    alert = models.ForeignKey(BudgetAlert, models.CASCADE, null=True, related_name="+")
    state = models.CharField(max_length=20, choices=DeliveryState, default=DeliveryState.PENDING)
    attempts = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    last_attempt_at = models.DateTimeField(null=True)
    next_attempt_at = models.DateTimeField(null=True)
    status = models.PositiveSmallIntegerField(null=True)
    response = models.CharField(max_length=LONGEST_RESPONSE, blank=True)
    error = models.CharField(max_length=300, blank=True)
    seconds = models.FloatField(null=True)

    class Meta:
        ordering = ["-created_at", "-pk"]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["webhook", "-created_at"], name="deliveries_of_webhook"),
            models.Index(fields=["created_at"], name="delivery_age"),
        ]

    def __str__(self) -> str:
        return f"{self.get_event_display()} to {self.webhook}"

    @property
    def is_test(self) -> bool:
        return self.event == Event.PING

    @property
    def is_pending(self) -> bool:
        return self.state == DeliveryState.PENDING
