"""Export and erasure of the personal data of this app."""

from __future__ import annotations

from collections.abc import Iterator

from accounts.models import User
from accounts.personal_data.registry import PersonalDataHandler, Values, in_batches, values_of
from webhooks.models import Webhook

_FIELDS = (
    *("name", "url", "name_prefix", "labels", "on_moves", "on_budgets", "is_active"),
    *("created_at", "secret_set_at", "last_used_at"),
)


def export(user: User) -> Iterator[Values]:
    """Never the secrets."""
    for webhook in in_batches(Webhook.objects.filter(owner=user)):
        yield values_of(webhook, "webhook", *_FIELDS)


def erase(user: User, actor: User | None) -> dict[str, int]:
    webhooks = Webhook.objects.filter(owner=user)
    count = webhooks.count()
    webhooks.delete()
    return {"webhooks": count}


HANDLER = PersonalDataHandler("webhooks", export, erase, frozenset({"webhooks.webhook.owner"}))
