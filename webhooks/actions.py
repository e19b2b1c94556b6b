"""What the audit log records of webhooks."""

from __future__ import annotations

from audit.actions import Action


class WebhooksAction(Action):
    WEBHOOK_CREATE = "webhooks:webhook:create"
    WEBHOOK_UPDATE = "webhooks:webhook:update"
    WEBHOOK_SECRET = "webhooks:webhook:replace_secret"
    WEBHOOK_TEST = "webhooks:webhook:test"
    WEBHOOK_DELETE = "webhooks:webhook:delete"
    DELIVERY_RESEND = "webhooks:delivery:resend"
