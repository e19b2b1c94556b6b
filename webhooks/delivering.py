"""What the worker does for a delivery: says what has happened, signs it, sends it, and tries again where that fails."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import orjson
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from prompts.models import LabelMove, LabelProposal, Prompt
from telemetry.models import BudgetAlert
from tokens import keyring
from tokens.envelope import EnvelopeError
from webhooks.models import Delivery, DeliveryState, Webhook
from webhooks.sending import Answer, post
from webhooks.signing import sign

SECRET_FIELD = Webhook._meta.get_field("secret")
# Seconds before each further attempt: the last one comes about 8 hours after the first.
WAITS = (10, 60, 300, 1800, 7200, 18_000)
MOST_ATTEMPTS = len(WAITS) + 1
KEPT = timedelta(days=30)
UNREADABLE = "The secret cannot be decrypted. Replace it."

# Has the worker try again in so many seconds.
Defer = Callable[[UUID, int], None]


def attempt(delivery_id: UUID, defer: Defer) -> None:
    """Once. Does nothing for a delivery that is not pending, or gone."""
    deliveries = Delivery.objects.select_related("webhook__owner", "move__prompt", "move__actor", "alert__budget__team")
    delivery = deliveries.filter(pk=delivery_id, state=DeliveryState.PENDING).first()
    if delivery is None:
        return
    if reason := _objection(delivery):
        _store(delivery, state=DeliveryState.CANCELLED, error=reason, next_attempt_at=None)
        return
    try:
        secret = keyring.open_field(delivery.webhook, SECRET_FIELD)
    except EnvelopeError:
        _store(delivery, state=DeliveryState.FAILED, error=UNREADABLE, next_attempt_at=None)
        return
    Webhook.objects.filter(pk=delivery.webhook_id).update(last_used_at=timezone.now())
    body = orjson.dumps(content_of(delivery))
    _note(delivery, post(delivery.webhook.url, body=body, headers=_headers(delivery, body, secret)), defer)


def _objection(delivery: Delivery) -> str:
    """Rights are those of this moment: they may have ended since it happened."""
    webhook, move = delivery.webhook, delivery.move
    if not webhook.is_active and not delivery.is_test:
        return "The webhook is not active."
    if not webhook.owner.is_active:
        return "The owner of the webhook is not active."
    if move is not None and not Prompt.objects.visible_to(webhook.owner).filter(pk=move.prompt_id).exists():
        return "The owner of the webhook can no longer read this prompt."
    if delivery.alert is not None and not webhook.owner.is_administrator:
        return "The owner of the webhook is no longer an administrator."
    return ""


def content_of(delivery: Delivery) -> dict[str, Any]:
    """What is sent, as JSON. Names are those of now: whoever has been erased since has none."""
    content: dict[str, Any] = {"event": delivery.event, "delivery": str(delivery.pk)}
    if delivery.move:
        return content | _moved(delivery.move)
    return content | (_reached(delivery.alert) if delivery.alert else {"at": delivery.created_at.isoformat()})


def _moved(move: LabelMove) -> dict[str, Any]:
    proposal = LabelProposal.objects.select_related("decided_by").filter(move=move).first()
    return {
        "prompt": {"id": str(move.prompt_id), "name": move.prompt.name},
        "label": move.label,
        "from": move.from_version,
        "to": move.to_version,
        "actor": _named(move.actor),
        "approved_by": _named(proposal.decided_by) if proposal else None,
        "reason": move.reason,
        "at": move.at.isoformat(),
    }


def _reached(alert: BudgetAlert) -> dict[str, Any]:
    """USD as strings, with all their digits. ``team`` null is everyone together."""
    team = alert.budget.team
    return {
        "team": {"id": str(team.pk), "name": team.name} if team else None,
        "month": f"{alert.month:%Y-%m}",
        "percent": alert.percent,
        "spent_usd": f"{alert.spent_usd:f}",
        "budget_usd": f"{alert.monthly_usd:f}",
        "at": alert.reached_at.isoformat(),
    }


def _named(user: User | None) -> dict[str, str] | None:
    """Not by email address: receivers are outside."""
    return {"id": str(user.audit_id), "name": user.name} if user else None


def _headers(delivery: Delivery, body: bytes, secret: str) -> dict[str, str]:
    timestamp = int(timezone.now().timestamp())
    return {
        "Content-Type": "application/json",
        "User-Agent": "AISTRALE-Webhook/1",
        "X-Aistrale-Event": delivery.event,
        "X-Aistrale-Delivery": str(delivery.pk),
        "X-Aistrale-Timestamp": str(timestamp),
        "X-Aistrale-Signature": sign(body, secret=secret, timestamp=timestamp),
    }


@transaction.atomic
def _note(delivery: Delivery, answer: Answer, defer: Defer) -> None:
    attempts = delivery.attempts + 1
    values: dict[str, Any] = {
        "attempts": attempts,
        "last_attempt_at": timezone.now(),
        "next_attempt_at": None,
        "status": answer.status,
        "response": answer.body,
        "error": answer.error,
        "seconds": answer.seconds,
        "state": DeliveryState.FAILED if answer.error else DeliveryState.DELIVERED,
    }
    # A test is watched by whoever sends it.
    is_retried = bool(answer.error) and not delivery.is_test and attempts < MOST_ATTEMPTS
    if is_retried:
        wait = WAITS[attempts - 1]
        values |= {"state": DeliveryState.PENDING, "next_attempt_at": timezone.now() + timedelta(seconds=wait)}
    if _store(delivery, **values) and is_retried:
        defer(delivery.pk, wait)


def _store(delivery: Delivery, **values: Any) -> int:
    """0 where the delivery is gone."""
    return Delivery.objects.filter(pk=delivery.pk, state=DeliveryState.PENDING).update(**values)


def delete_old() -> None:
    Delivery.objects.filter(created_at__lt=timezone.now() - KEPT).delete()
