"""Append-only entries, and the personal details beside them, which can be erased."""

from __future__ import annotations

import json
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, cast
from uuid import UUID

import pgtrigger
from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast, Substr

from audit import chain
from audit.actions import Outcome

# Start (from 1) and length of year, month, day, hour and minute in an ISO time.
_DATE_HOUR_MINUTE = [(1, 4), (6, 2), (9, 2), (12, 2), (15, 2)]


class Viewer(Protocol):
    """What decides which entries a user sees."""

    @property
    def audit_id(self) -> UUID: ...
    @property
    def is_administrator(self) -> bool: ...


def _from_body(key: str, field: models.Field[Any, Any]) -> models.GeneratedField:
    """A column that PostgreSQL itself derives from the hashed body, so that it can not differ from it."""
    text = KeyTextTransform(key, Cast("body", models.JSONField()))
    expression = text if isinstance(field, models.CharField) else Cast(text, field)
    return models.GeneratedField(expression=expression, output_field=field, db_persist=True)


def _time_from_body() -> models.GeneratedField:
    """Taken apart, because a plain cast of text to a time depends on the session and is refused in a column."""
    text = KeyTextTransform("timestamp", Cast("body", models.JSONField()))
    whole = [Cast(Substr(text, start, length), models.IntegerField()) for start, length in _DATE_HOUR_MINUTE]
    seconds = Cast(Substr(text, 18, 9), models.FloatField())
    local = models.Func(*whole, seconds, function="make_timestamp", output_field=models.DateTimeField())
    utc = models.Func(local, template="(%(expressions)s AT TIME ZONE 'UTC')", output_field=models.DateTimeField())
    return models.GeneratedField(expression=utc, output_field=models.DateTimeField(), db_persist=True)


def _refuse(operation: pgtrigger.Operation, level: pgtrigger.Level = pgtrigger.Row) -> pgtrigger.Trigger:
    return pgtrigger.Trigger(
        name=f"refuse_{str(operation).lower()}",
        level=level,
        when=pgtrigger.Before,
        operation=operation,
        func=f"RAISE EXCEPTION 'audit: {operation} of % is refused', TG_TABLE_NAME USING ERRCODE = '42501';",
    )


def _append_only() -> list[pgtrigger.Trigger]:
    return [
        _refuse(pgtrigger.Update),
        _refuse(pgtrigger.Delete),
        _refuse(pgtrigger.Truncate, pgtrigger.Statement),
    ]


class AuditEventQuerySet(models.QuerySet["AuditEvent"]):
    def visible_to(self, user: Viewer) -> AuditEventQuerySet:
        """Administrators see all, others what they did and what was done to them or to their objects."""
        if user.is_administrator:
            return self
        return self.filter(models.Q(actor=user.audit_id) | models.Q(owner=user.audit_id))


class AuditEvent(models.Model):
    """One entry. ``body`` is the hashed text (see ``audit.chain``); PostgreSQL derives the columns below it from it."""

    sequence = models.BigIntegerField(primary_key=True)
    previous_hash = models.CharField(max_length=64)
    hash = models.CharField(max_length=64)
    body = models.TextField()

    timestamp = _time_from_body()
    action = _from_body("action", models.CharField(max_length=100))
    outcome = _from_body("outcome", models.CharField(max_length=20, choices=[(o.value, o.value) for o in Outcome]))
    actor = _from_body("actor", models.UUIDField(null=True))
    role = _from_body("role", models.CharField(max_length=20))
    owner = _from_body("owner", models.UUIDField(null=True))
    target_type = _from_body("target_type", models.CharField(max_length=100))
    target_id = _from_body("target_id", models.CharField(max_length=100))
    source = _from_body("source", models.CharField(max_length=20))
    request_id = _from_body("request_id", models.CharField(max_length=100))
    details_digest = _from_body("details_digest", models.CharField(max_length=64, null=True))

    objects: ClassVar[AuditEventQuerySet] = cast("AuditEventQuerySet", AuditEventQuerySet.as_manager())

    if TYPE_CHECKING:
        details: AuditDetails

    class Meta:
        ordering = ["-sequence"]
        indexes = [
            models.Index(fields=["actor", "-sequence"], name="audit_actor"),
            models.Index(fields=["owner", "-sequence"], name="audit_owner"),
            models.Index(fields=["action", "-sequence"], name="audit_action"),
            models.Index(fields=["target_type", "target_id", "-sequence"], name="audit_target"),
            BrinIndex(fields=["timestamp"], name="audit_timestamp"),
        ]
        triggers = _append_only()

    def __str__(self) -> str:
        return f"{self.sequence} {self.action}"

    @cached_property
    def entry(self) -> dict[str, Any]:
        """The body as a dict."""
        return cast("dict[str, Any]", json.loads(self.body))

    @property
    def personal(self) -> dict[str, Any]:
        """The personal details; none where there never were any, or they were erased."""
        return self.details.personal if hasattr(self, "details") else {}

    @property
    def before(self) -> dict[str, Any]:
        return cast("dict[str, Any]", self.entry["before"] or {})

    @property
    def after(self) -> dict[str, Any]:
        return cast("dict[str, Any]", self.entry["after"] or {})


class AuditDetails(models.Model):
    """The personal values of one entry: address, user agent, names. The entry holds their salted digest only."""

    event = models.OneToOneField(AuditEvent, on_delete=models.PROTECT, primary_key=True, related_name="details")
    salt = models.CharField(max_length=32)
    content = models.TextField()

    class Meta:
        verbose_name_plural = "audit details"
        triggers = _append_only()

    def __str__(self) -> str:
        return f"details of {self.event_id}"

    @cached_property
    def personal(self) -> dict[str, Any]:
        """The content as a dict."""
        return cast("dict[str, Any]", json.loads(self.content))


class AuditVerification(models.Model):
    """One row: the result of the server's own last verification, for the pages; ``verify_audit`` is the proof."""

    verified_at = models.DateTimeField()
    # The chain is right up to this entry.
    sequence = models.BigIntegerField(default=0)
    hash = models.CharField(max_length=64, default=chain.GENESIS)
    # What was verified before is verified again and again, in slices: up to here in the present round.
    again_sequence = models.BigIntegerField(default=0)
    again_hash = models.CharField(max_length=64, default=chain.GENESIS)
    problem_sequence = models.BigIntegerField(null=True)
    problem = models.TextField(blank=True)

    def __str__(self) -> str:
        return self.problem or f"right up to {self.sequence}"
