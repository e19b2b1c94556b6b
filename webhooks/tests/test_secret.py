"""The secret of a webhook is sealed, found by rotations and reported after a compromise, like any other."""

from __future__ import annotations

import pytest

from accounts.models import User
from tokens import keyring, rotation
from tokens.key_status import exposed_secrets
from tokens.models import EncryptionKey, KeyState, Trigger
from webhooks import services
from webhooks.delivering import SECRET_FIELD
from webhooks.models import Webhook

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def made(alice: User) -> tuple[Webhook, str]:
    return services.create_webhook(owner=alice, name="Cache", url="https://hooks.example.org")


def opened(webhook: Webhook) -> str:
    return keyring.open_field(Webhook.objects.get(pk=webhook.pk), SECRET_FIELD)


def test_it_is_stored_sealed(made: tuple[Webhook, str]) -> None:
    webhook, secret = made
    assert secret.encode() not in bytes(Webhook.objects.get().secret)
    assert opened(webhook) == secret


def test_it_is_resealed_and_reported_by_a_rotation(made: tuple[Webhook, str], admin: User) -> None:
    webhook, secret = made
    compromised = EncryptionKey.objects.get(state=KeyState.PRIMARY)
    sealed = bytes(webhook.secret)
    rotation.run(trigger=Trigger.COMMAND, actor=admin, compromised=compromised)
    assert bytes(Webhook.objects.get().secret) != sealed and opened(webhook) == secret
    assert [(row["kind"], row["id"]) for row in exposed_secrets(compromised)] == [("webhook", str(webhook.pk))]


def test_a_replaced_one_is_no_longer_reported(made: tuple[Webhook, str], alice: User, admin: User) -> None:
    compromised = EncryptionKey.objects.get(state=KeyState.PRIMARY)
    rotation.run(trigger=Trigger.COMMAND, actor=admin, compromised=compromised)
    secret = services.replace_secret(webhook=made[0], actor=alice)
    assert opened(made[0]) == secret != made[1]
    compromised.refresh_from_db()
    assert exposed_secrets(compromised) == []
