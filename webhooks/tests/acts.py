from __future__ import annotations

from audit.tests.scene import Acts, Scene
from webhooks import services
from webhooks.actions import WebhooksAction
from webhooks.models import Delivery, Webhook


def a_webhook(scene: Scene) -> Webhook:
    return services.create_webhook(owner=scene.alice, name="Cache", url="https://hooks.example.org")[0]


def send_again(scene: Scene) -> None:
    delivery = services.send_test(webhook=a_webhook(scene), actor=scene.alice)
    Delivery.objects.update(state="failed")
    assert services.send_again(delivery=delivery, actor=scene.alice)


ACTS: Acts = {
    "webhook changed": (
        lambda s: services.update_webhook(webhook=a_webhook(s), actor=s.alice, is_active=False),
        [WebhooksAction.WEBHOOK_CREATE, WebhooksAction.WEBHOOK_UPDATE],
    ),
    "secret of a webhook replaced": (
        lambda s: services.replace_secret(webhook=a_webhook(s), actor=s.alice),
        [WebhooksAction.WEBHOOK_CREATE, WebhooksAction.WEBHOOK_SECRET],
    ),
    "webhook deleted": (
        lambda s: services.delete_webhook(webhook=a_webhook(s), actor=s.alice),
        [WebhooksAction.WEBHOOK_CREATE, WebhooksAction.WEBHOOK_DELETE],
    ),
    "webhook tested, delivery sent again": (
        send_again,
        [WebhooksAction.WEBHOOK_CREATE, WebhooksAction.WEBHOOK_TEST, WebhooksAction.DELIVERY_RESEND],
    ),
}
