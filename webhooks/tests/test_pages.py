from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from audit.models import AuditEvent
from webhooks import services, views
from webhooks.models import Delivery, Webhook

pytestmark = pytest.mark.django_db
ClientOf = Callable[[User], Client]
ADD = "/prompts/webhooks/add/"
FORM = {"name": "Cache", "url": "https://hooks.example.org/a?key=s3cr3t", "is_active": "on"}


@pytest.fixture
def own(alice: User) -> Webhook:
    return services.create_webhook(owner=alice, name="Cache", url="https://hooks.example.org/a?key=s3cr3t")[0]


def url(name: str, pk: object) -> str:
    return reverse(f"webhooks:{name}", args=[pk])


def text(response: Any) -> str:
    return str(response.content.decode())


def test_it_says_that_there_are_none(client_of: ClientOf, alice: User) -> None:
    assert "No webhooks yet" in text(client_of(alice).get("/prompts/webhooks/"))


def test_its_secret_is_shown_once(client_of: ClientOf, alice: User) -> None:
    client = client_of(alice)
    page = client.post(ADD, {**FORM, "labels": "production, staging", "name_prefix": "support/"})
    webhook = Webhook.objects.get()
    assert page.context["secret"].startswith("whsec_") and page.context["secret"] in text(page)
    assert (webhook.owner, webhook.labels, webhook.name_prefix) == (alice, ["production", "staging"], "support/")
    for path in ("/prompts/webhooks/", webhook.get_absolute_url(), url("webhook-edit", webhook.pk)):
        assert page.context["secret"] not in text(client.get(path))


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("url", "http://hooks.example.org", "Only https URLs are allowed"),
        ("url", "https://10.0.0.1/x", "not on the public internet"),
        ("url", "https://[::1]/x", "not on the public internet"),
        ("url", "https://user:pw@hooks.example.org", "user name or password"),
        ("url", "https://hooks.example.org/#x", "fragment"),
        ("url", "nonsense", "Enter a full URL"),
        ("url", "", "required"),
        ("name", "", "required"),
        ("labels", "Not This", "Use up to 50 small letters"),
        ("labels", ",".join(f"l{number}" for number in range(21)), "up to 20 labels"),
    ],
)
def test_it_says_what_is_wrong_at_the_field(
    field: str, value: str, told: str, client_of: ClientOf, alice: User
) -> None:
    page = client_of(alice).post(ADD, {**FORM, field: value})
    assert page.status_code == 422 and told in text(page)
    assert not Webhook.objects.exists()


def test_nobody_has_more_than_so_many(
    client_of: ClientOf, alice: User, own: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(views, "MOST_WEBHOOKS", 1)
    assert client_of(alice).post(ADD, FORM).status_code == 422
    assert Webhook.objects.count() == 1


def test_it_is_changed_and_turned_off(client_of: ClientOf, alice: User, own: Webhook) -> None:
    sent = {"name": "Other", "url": "https://other.example.org"}
    assert client_of(alice).post(url("webhook-edit", own.pk), sent).status_code == 302
    own.refresh_from_db()
    assert (own.name, own.host, own.is_active) == ("Other", "other.example.org", False)


def test_its_secret_is_replaced(client_of: ClientOf, alice: User, own: Webhook) -> None:
    client = client_of(alice)
    assert "Replace the signing secret?" in text(client.get(url("webhook-secret", own.pk)))
    assert client.post(url("webhook-secret", own.pk)).context["secret"].startswith("whsec_")


def test_a_test_is_queued_and_watched(client_of: ClientOf, alice: User, own: Webhook) -> None:
    client = client_of(alice)
    page = client.post(url("webhook-test", own.pk), follow=True)
    assert "Waiting for the worker" in text(page) and 'hx-trigger="every 2s"' in text(page)
    Delivery.objects.update(state="delivered", attempts=1, status=200, response="thanks")
    page = client.get(own.get_absolute_url(), headers={"HX-Request": "true", "HX-Target": "list"})
    assert "thanks" in text(page) and "every 2s" not in text(page) and "<h1" not in text(page)


def test_a_delivery_is_sent_again(client_of: ClientOf, alice: User, own: Webhook) -> None:
    client, delivery = client_of(alice), services.send_test(webhook=own, actor=alice)
    again = url("delivery-send-again", delivery.pk)
    assert "already pending" in text(client.post(again, follow=True))
    Delivery.objects.update(state="failed")
    assert "Queued to be sent again" in text(client.post(again, follow=True))


def test_it_is_deleted(client_of: ClientOf, alice: User, own: Webhook) -> None:
    client = client_of(alice)
    assert "Delete “Cache”?" in text(client.get(url("webhook-delete", own.pk)))
    assert client.post(url("webhook-delete", own.pk)).status_code == 302
    assert not Webhook.objects.exists()


def test_the_log_and_administrators_see_the_host_alone(
    client_of: ClientOf, alice: User, admin: User, own: Webhook
) -> None:
    entry = AuditEvent.objects.get(action="webhooks:webhook:create")
    assert entry.after["host"] == "hooks.example.org" and "s3cr3t" not in str(entry.after)
    client = client_of(admin)
    for path in ("", f"{own.pk}/change/"):
        page = text(client.get(f"/admin/webhooks/webhook/{path}"))
        assert "hooks.example.org" in page and "s3cr3t" not in page
    assert client.get(own.get_absolute_url()).status_code == 404
