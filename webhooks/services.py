"""Every change to webhooks, and what is queued to be sent."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils import timezone

from audit.services import record
from prompts.models import LabelMove
from telemetry.models import BudgetAlert
from tokens import keyring
from webhooks.actions import WebhooksAction
from webhooks.delivering import SECRET_FIELD
from webhooks.models import Delivery, DeliveryState, Event, Webhook
from webhooks.tasks import deliver

if TYPE_CHECKING:
    from accounts.models import User


@transaction.atomic
def create_webhook(*, owner: User, name: str, url: str, **values: Any) -> tuple[Webhook, str]:
    """The webhook and its secret, which is known now and never again. ``values``: as for ``update_webhook``."""
    webhook = Webhook(owner=owner, name=name, url=url, **values)
    secret = _seal_new_secret(webhook)
    webhook.save()
    record(action=WebhooksAction.WEBHOOK_CREATE, actor=owner, target=webhook, after=webhook.as_audited())
    return webhook, secret


@transaction.atomic
def update_webhook(*, webhook: Webhook, actor: User, **values: Any) -> None:
    """``values``: name, url, name_prefix, labels, on_moves, on_budgets, is_active."""
    stored = _locked(webhook)
    before = stored.as_audited()
    for name, value in values.items():
        setattr(stored, name, value)
    stored.save(update_fields=list(values))
    record(action=WebhooksAction.WEBHOOK_UPDATE, actor=actor, target=stored, before=before, after=stored.as_audited())


@transaction.atomic
def replace_secret(*, webhook: Webhook, actor: User) -> str:
    """The new secret, which is known now and never again. What is sent from now on is signed with it."""
    stored = _locked(webhook)
    secret = _seal_new_secret(stored)
    stored.save(update_fields=["secret", "secret_set_at"])
    record(action=WebhooksAction.WEBHOOK_SECRET, actor=actor, target=stored)
    return secret


@transaction.atomic
def delete_webhook(*, webhook: Webhook, actor: User | None) -> None:
    """With its deliveries. What is pending is not sent."""
    pk = webhook.pk
    webhook.delete()
    webhook.pk = pk
    record(action=WebhooksAction.WEBHOOK_DELETE, actor=actor, target=webhook, before=webhook.as_audited())


def queue_move(move: LabelMove) -> None:
    """Within the transaction of the move, so that nothing is sent of one that is rolled back."""
    webhooks = Webhook.objects.about(move)
    _queue([Delivery(webhook=webhook, event=Event.LABEL_MOVED, move=move) for webhook in webhooks])


def queue_alert(alert: BudgetAlert) -> None:
    """Within the transaction that notes the alert."""
    webhooks = Webhook.objects.of_budgets()
    _queue([Delivery(webhook=webhook, event=Event.BUDGET_REACHED, alert=alert) for webhook in webhooks])


@transaction.atomic
def send_test(*, webhook: Webhook, actor: User) -> Delivery:
    delivery = Delivery(webhook=webhook, event=Event.PING)
    _queue([delivery])
    record(action=WebhooksAction.WEBHOOK_TEST, actor=actor, target=webhook)
    return delivery


@transaction.atomic
def send_again(*, delivery: Delivery, actor: User) -> bool:
    """With as many attempts as a new one. False where it is pending."""
    finished = Delivery.objects.filter(pk=delivery.pk).exclude(state=DeliveryState.PENDING)
    if not finished.update(state=DeliveryState.PENDING, attempts=0, next_attempt_at=None):
        return False
    deliver.defer(delivery_id=str(delivery.pk))
    after = {"delivery": str(delivery.pk)}
    record(action=WebhooksAction.DELIVERY_RESEND, actor=actor, target=delivery.webhook, after=after)
    return True


def _queue(deliveries: list[Delivery]) -> None:
    Delivery.objects.bulk_create(deliveries)
    for delivery in deliveries:
        deliver.defer(delivery_id=str(delivery.pk))


def _locked(webhook: Webhook) -> Webhook:
    return Webhook.objects.select_related("owner").select_for_update(no_key=True, of=("self",)).get(pk=webhook.pk)


def _seal_new_secret(webhook: Webhook) -> str:
    secret = f"whsec_{secrets.token_urlsafe(32)}"
    webhook.secret = keyring.seal(webhook, SECRET_FIELD, secret, key=keyring.sealing_key())
    webhook.secret_set_at = timezone.now()
    return secret
