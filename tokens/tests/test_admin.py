from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from audit.models import AuditEvent
from tokens.models import EncryptionKey, ProviderToken
from tokens.tests.conftest import SECRET

ClientOf = Callable[[User], Client]


def test_it_shows_a_token_without_its_secret(client_of: ClientOf, admin: User, token: ProviderToken) -> None:
    page = client_of(admin).get(reverse("admin:tokens_providertoken_change", args=[token.pk])).content
    assert b"sk-c\xe2\x80\xa60pR2" in page and SECRET.encode() not in page and bytes(token.secret) not in page


def test_it_lists_and_searches_tokens(client_of: ClientOf, admin: User, token: ProviderToken) -> None:
    page = client_of(admin).get(reverse("admin:tokens_providertoken_changelist"), {"q": "alice"}).content
    assert b"Main" in page


@pytest.mark.parametrize("bulk", [False, True])
def test_it_records_a_deletion(bulk: bool, client_of: ClientOf, admin: User, token: ProviderToken) -> None:
    if bulk:
        path = reverse("admin:tokens_providertoken_changelist")
        data = {"action": "delete_selected", "_selected_action": str(token.pk), "post": "yes"}
    else:
        path, data = reverse("admin:tokens_providertoken_delete", args=[token.pk]), {"post": "yes"}
    client_of(admin).post(path, data)
    assert not ProviderToken.objects.exists()
    assert AuditEvent.objects.filter(action="tokens:token:delete", actor=admin.audit_id).count() == 1


def test_it_shows_keys_without_their_bytes(client_of: ClientOf, admin: User, token: ProviderToken) -> None:
    key = EncryptionKey.objects.get()
    page = client_of(admin).get(reverse("admin:tokens_encryptionkey_change", args=[key.pk])).content.decode()
    assert str(key.pk) in page and "m-test" in page and "wrapped" not in page.lower()


@pytest.mark.parametrize("verb", ["change", "delete"])
def test_it_lets_nobody_alter_a_key(verb: str, client_of: ClientOf, admin: User, token: ProviderToken) -> None:
    path = reverse(f"admin:tokens_encryptionkey_{verb}", args=[EncryptionKey.objects.get().pk])
    assert client_of(admin).post(path, {"state": "retired", "post": "yes"}).status_code == 403


@pytest.mark.parametrize("model", ["providertoken", "encryptionkey", "rotation"])
def test_it_lets_nobody_add(model: str, client_of: ClientOf, admin: User) -> None:
    assert client_of(admin).get(reverse(f"admin:tokens_{model}_add")).status_code == 403


@pytest.mark.parametrize("model", ["providertoken", "encryptionkey", "rotation"])
def test_it_keeps_engineers_out(model: str, client_of: ClientOf, alice: User) -> None:
    assert client_of(alice).get(reverse(f"admin:tokens_{model}_changelist")).status_code == 403
