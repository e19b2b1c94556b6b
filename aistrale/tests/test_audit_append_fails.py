"""Where the audit entry of an action cannot be written, there is no action, and the user is told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from accounts.models import User
from audit.models import AuditEvent
from conftest import PASSWORD
from tokens import services
from tokens.models import EncryptionKey, ProviderToken, Rotation

SECRET = "sk-canary-4Jx8RnT2wQ6vLm90"
ADD = {"provider": "openai", "label": "New", "secret": SECRET}
ACTIONS: dict[str, tuple[str, dict[str, str]]] = {
    "add a token": ("/tokens/add/", ADD),
    "replace a secret": ("/tokens/{token}/replace/", {"secret": SECRET}),
    "delete a token": ("/tokens/{token}/delete/", {"name": "Main"}),
    "rotate the keys": ("/tokens/keys/rotate/", {}),
    "create a person": ("/admin/accounts/user/add/", {"email": "new@example.org", "role": "engineer"}),
}

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def _no_appends() -> Iterator[Callable[[], None]]:
    """A call makes every further append fail, as a full disk would."""

    def refuse() -> None:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE audit_auditevent ADD CONSTRAINT full_disk CHECK (false) NOT VALID")

    yield refuse
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE audit_auditevent DROP CONSTRAINT IF EXISTS full_disk")


def stored() -> list[Any]:
    models = ProviderToken, EncryptionKey, Rotation, User, AuditEvent
    return [list(model._default_manager.order_by("pk").values()) for model in models]


@pytest.mark.fault
@pytest.mark.parametrize("action", ACTIONS)
def test_it_does_nothing_that_cannot_be_recorded(
    action: str,
    admin: User,
    confirmed_client_of: Callable[[User], Client],
    _no_appends: Callable[[], None],
    chance: Random,
    check_invariants: Callable[..., None],
) -> None:
    client = confirmed_client_of(admin)
    client.raise_request_exception = False
    tokens = [
        services.add_token(owner=admin, actor=admin, provider="openai", label="Main", secret=SECRET)
        for _ in range(chance.randint(1, 4))
    ]
    path, form = ACTIONS[action]
    _no_appends()
    before = stored()
    answer = client.post(path.format(token=chance.choice(tokens).pk), form | _passwords(action))
    assert answer.status_code == 500 and "Server error" in answer.content.decode()
    assert stored() == before
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE audit_auditevent DROP CONSTRAINT full_disk")
    check_invariants(secrets=[SECRET, PASSWORD])


def _passwords(action: str) -> dict[str, str]:
    chosen = "a password of some length"
    return {"password1": chosen, "password2": chosen} if action == "create a person" else {}
