"""What this app declares to the tests of every route: see ``aistrale/tests/expectations.py``."""

from __future__ import annotations

from accounts.models import User
from webhooks import services
from webhooks.models import Delivery, Webhook


def a_webhook(owner: User) -> Webhook:
    return services.create_webhook(owner=owner, name="private", url="https://hooks.example.org")[0]


def a_delivery(owner: User) -> Delivery:
    return services.send_test(webhook=a_webhook(owner), actor=owner)


USERS = {"prompts/webhooks/", "prompts/webhooks/add/"}
ADMINISTRATORS = {"admin/webhooks/webhook/<path:object_id>/delete/"}
OBJECTS = {
    "prompts/webhooks/<uuid:pk>/": (a_webhook, "pk"),
    "prompts/webhooks/deliveries/<uuid:pk>/": (a_delivery, "pk"),
}
