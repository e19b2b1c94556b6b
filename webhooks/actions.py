"""What the audit log records of webhooks."""

from __future__ import annotations

from audit.actions import Action


class WebhooksAction(Action):
    WEBHOOK_CREATE = "webhooks:webhook:create", "created webhook {target}"
    WEBHOOK_UPDATE = "webhooks:webhook:update", "changed webhook {target}"
    WEBHOOK_SECRET = "webhooks:webhook:replace_secret", "replaced the secret of webhook {target}"
    WEBHOOK_TEST = "webhooks:webhook:test", "tested webhook {target}"
    WEBHOOK_DELETE = "webhooks:webhook:delete", "deleted webhook {target}"
    DELIVERY_RESEND = "webhooks:delivery:resend", "sent a delivery of webhook {target} again"
