"""Provider tokens, and the data keys that seal them."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.models import User
from accounts.providers import keyed_choices
from accounts.sharing import Shared, SharedQuerySet
from tokens.checks import TokenState
from tokens.fields import SealedField

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

EXPIRES_SOON = timedelta(days=14)
LONG_UNUSED = timedelta(days=90)
# The constraint that keeps a second rotation from starting.
UNFINISHED = "one_unfinished_rotation"


class KeyState(models.TextChoices):
    PRIMARY = "primary", "Primary"
    DECRYPT_ONLY = "decrypt_only", "Decrypt only"
    RETIRED = "retired", "Retired"
    LOST = "lost", "Lost"


class EncryptionKey(models.Model):
    """A data key, wrapped by a master key. A retired key keeps its row, not its bytes.

    A lost one keeps both: the operator has declared that its master key is gone, and it works again should that return.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    wrapped = models.BinaryField(editable=False)
    master_key_id = models.CharField(max_length=40)
    state = models.CharField(max_length=20, choices=KeyState)
    created_at = models.DateTimeField(auto_now_add=True)
    wrapped_at = models.DateTimeField(default=timezone.now)
    primary_since = models.DateTimeField(null=True)
    primary_until = models.DateTimeField(null=True)
    retired_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["created_at"]
        constraints = [
            models.UniqueConstraint(fields=["state"], condition=Q(state="primary"), name="one_primary_key"),
            models.CheckConstraint(
                condition=Q(state="retired", wrapped=b"") | (~Q(state="retired") & ~Q(wrapped=b"")),
                name="only_retired_keys_have_no_bytes",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.id} ({self.get_state_display()})"


class RotationStep(models.TextChoices):
    """The last step that was completed; a rotation goes through all of them in this order."""

    CREATED = "created", "Key created"
    PROMOTED = "promoted", "Key made primary"
    RESEALED = "resealed", "Secrets re-encrypted"
    VERIFIED = "verified", "Secrets verified"
    FINISHED = "finished", "Old keys retired"


class Trigger(models.TextChoices):
    COMMAND = "command", "Command"
    PAGE = "page", "Keys page"
    SCHEDULE = "schedule", "Schedule"


class Rotation(models.Model):
    """The progress of one rotation of the data keys, and its report afterwards. Holds no secret and no key material.

    ``rows_before`` and ``rows_after``: sealed values by data key id. ``failures``: ``table``, ``field``, ``id`` and
    ``reason`` of each value that could not be opened.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    trigger = models.CharField(max_length=20, choices=Trigger)
    started_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    step = models.CharField(max_length=20, choices=RotationStep, default=RotationStep.CREATED)
    new_key = models.ForeignKey(EncryptionKey, models.PROTECT, related_name="+")
    compromised = models.ForeignKey(EncryptionKey, models.PROTECT, null=True, related_name="+")
    rows_before = models.JSONField(default=dict)
    rows_after = models.JSONField(default=dict)
    resealed = models.PositiveIntegerField(default=0)
    failures = models.JSONField(default=list)
    started_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-started_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["finished_at"],
                condition=Q(finished_at__isnull=True),
                nulls_distinct=False,
                name=UNFINISHED,
            ),
        ]

    def __str__(self) -> str:
        return f"Rotation of {self.started_at:%Y-%m-%d %H:%M} UTC"

    @property
    def total(self) -> int:
        return sum(self.rows_before.values())

    @property
    def duration(self) -> timedelta:
        return (self.finished_at or timezone.now()) - self.started_at


class ProviderTokenQuerySet(SharedQuerySet["ProviderToken"]):
    """``visible_to``: the tokens that the user may call providers with."""

    def editable_by(self, user: User | AnonymousUser) -> Self:
        """The user's own; administrators look after those that are shared with them as well."""
        return self.visible_to(user) if user.is_superuser else self.owned_by(user)

    def usable(self) -> Self:
        """Not known to fail: neither expired, nor refused by the provider, nor unreadable."""
        return self.exclude(state__in=[TokenState.REFUSED, TokenState.NEEDS_REENTRY]).exclude(
            expires_at__lte=timezone.now()
        )


class ProviderToken(Shared):
    """A secret for one provider. Only ``services`` seals and opens it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="provider_tokens")
    provider = models.CharField(max_length=20, choices=keyed_choices)
    label = models.CharField(max_length=80)
    base_url = models.CharField("base URL", max_length=300, blank=True)
    is_default = models.BooleanField("default", default=False)
    secret = SealedField(bound_to=("provider",), set_at="secret_set_at")
    secret_set_at = models.DateTimeField(default=timezone.now)
    hint = models.CharField(max_length=20)
    fingerprint = models.CharField(max_length=16)
    state = models.CharField(max_length=20, choices=TokenState, default=TokenState.UNTESTED)
    checked_at = models.DateTimeField(null=True)
    check_message = models.CharField(max_length=500, blank=True)
    last_used_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField("expires", null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ProviderTokenQuerySet.as_manager()

    class Meta:
        ordering = ["provider", "-is_default", "-created_at"]
        constraints = [
            *Shared.Meta.constraints,
            models.UniqueConstraint(
                fields=["owner", "provider"], condition=Q(is_default=True), name="one_default_token_per_provider"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_provider_display()}: {self.label}"

    @property
    def has_secret(self) -> bool:
        """False for a server that asks for no key."""
        return bool(self.hint)

    @property
    def host(self) -> str:
        """Of the base URL, with its port."""
        return urlsplit(self.base_url).netloc

    @property
    def expired(self) -> bool:
        return self.expires_at is not None and self.expires_at <= timezone.now()

    @property
    def expires_soon(self) -> bool:
        return self.expires_at is not None and timezone.now() < self.expires_at <= timezone.now() + EXPIRES_SOON

    @property
    def long_unused(self) -> bool:
        return (self.last_used_at or self.created_at) < timezone.now() - LONG_UNUSED

    def as_audited(self) -> dict[str, Any]:
        """What the audit log may know: no secret, no personal data."""
        return {
            "provider": self.provider,
            "base_url": self.base_url,
            **self.audience.as_audited(),
            "is_default": self.is_default,
            "hint": self.hint,
            "fingerprint": self.fingerprint,
        }


class AllowedHost(models.Model):
    """A host, as ``host`` or ``host:port``, that base URLs may name although it is private, or without TLS."""

    host = models.CharField(max_length=260, unique=True)
    note = models.CharField(max_length=200, blank=True)
    added_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["host"]

    def __str__(self) -> str:
        return self.host


class FactorSecret(models.Model):
    """The secret of a second factor: a TOTP key, or the seed of recovery codes. Only ``factors`` seals and opens it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    secret = SealedField(bound_to=("owner_id",))
    created_at = models.DateTimeField(auto_now_add=True)
    last_used_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = "second factor"

    def __str__(self) -> str:
        return f"Secret of a second factor, {self.id}"
