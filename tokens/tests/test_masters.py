from __future__ import annotations

import os
from base64 import b64encode

import pytest
from pytest_django import Settings

from accounts.models import User
from audit.models import AuditEvent
from tokens import keyring, master_keys, services
from tokens.envelope import UnknownKey
from tokens.models import EncryptionKey, KeyState, ProviderToken
from tokens.tests.conftest import SECRET

pytestmark = pytest.mark.django_db(transaction=True)


def entry(name: str) -> str:
    return f"{name}:{b64encode(os.urandom(32)).decode()}"


@pytest.fixture
def new_and_old(token: ProviderToken, settings: Settings) -> str:
    """The new master key alone; the settings hold it in front of the old one."""
    new = entry("m-new")
    settings.MASTER_KEYS = f"{new}\n{settings.MASTER_KEYS}"
    return new


def test_it_wraps_data_keys_with_the_new_primary(new_and_old: str, token: ProviderToken) -> None:
    result = master_keys.rewrap(actor=None)
    key = EncryptionKey.objects.get()
    assert (key.master_key_id, result.rewrapped, result.removable) == ("m-new", [str(key.pk)], ["m-test"])


def test_it_touches_no_sealed_value(new_and_old: str, token: ProviderToken) -> None:
    master_keys.rewrap(actor=None)
    assert bytes(ProviderToken.objects.get().secret) == bytes(token.secret)


def test_it_needs_the_old_master_key_no_longer(
    new_and_old: str, token: ProviderToken, alice: User, settings: Settings
) -> None:
    master_keys.rewrap(actor=None)
    settings.MASTER_KEYS = new_and_old
    assert services.open_token(token_id=token.pk, actor=alice) == SECRET


def test_it_can_be_run_again(new_and_old: str, token: ProviderToken) -> None:
    master_keys.rewrap(actor=None)
    assert master_keys.rewrap(actor=None).rewrapped == []


def test_it_changes_nothing_in_a_dry_run(new_and_old: str, token: ProviderToken) -> None:
    assert len(master_keys.rewrap(actor=None, dry_run=True).rewrapped) == 1
    assert EncryptionKey.objects.get().master_key_id == "m-test"


def test_it_is_recorded_once(new_and_old: str, admin: User) -> None:
    master_keys.rewrap(actor=admin)
    master_keys.rewrap(actor=admin)
    assert AuditEvent.objects.filter(action="tokens:master_key:rotate", actor=admin.audit_id).count() == 1


def test_it_names_the_keys_whose_master_key_is_missing(new_and_old: str, settings: Settings) -> None:
    settings.MASTER_KEYS = new_and_old
    result = master_keys.rewrap(actor=None)
    assert list(result.failures) == [str(EncryptionKey.objects.get().pk)] and result.rewrapped == []


def test_it_names_the_keys_that_the_old_master_key_does_not_unwrap(new_and_old: str, settings: Settings) -> None:
    settings.MASTER_KEYS = f"{new_and_old}\n{entry('m-test')}"
    result = master_keys.rewrap(actor=None)
    assert len(result.failures) == 1 and result.removable == []
    assert EncryptionKey.objects.get().master_key_id == "m-test"


def test_it_needs_a_master_key(token: ProviderToken, settings: Settings) -> None:
    settings.MASTER_KEYS = ""
    with pytest.raises(UnknownKey):
        master_keys.rewrap(actor=None)


def test_it_goes_on_without_a_master_key_that_is_declared_lost(
    token: ProviderToken, alice: User, settings: Settings
) -> None:
    kept, settings.MASTER_KEYS = settings.MASTER_KEYS, entry("m-new")
    master_keys.declare_lost("m-test", actor=None)
    assert (keyring.missing_master_keys(), keyring.broken_keys()) == ([], {})
    replaced = services.replace_secret(token=token, actor=alice, secret="sk-entered-again")
    assert services.open_token(token_id=replaced.pk, actor=alice) == "sk-entered-again"
    assert EncryptionKey.objects.get(state=KeyState.PRIMARY).master_key_id == "m-new"
    settings.MASTER_KEYS = kept


def test_it_opens_with_a_lost_key_that_came_back(token: ProviderToken, alice: User, settings: Settings) -> None:
    kept, settings.MASTER_KEYS = settings.MASTER_KEYS, ""
    master_keys.declare_lost("m-test", actor=None)
    settings.MASTER_KEYS = kept
    assert services.open_token(token_id=token.pk, actor=alice) == SECRET


def test_it_declares_no_key_lost_that_works(token: ProviderToken) -> None:
    assert master_keys.declare_lost("m-test", actor=None) == []
    assert EncryptionKey.objects.get().state == KeyState.PRIMARY


def test_it_is_found_by_a_process_that_learned_the_data_key_before(new_and_old: str, token: ProviderToken) -> None:
    keyring.open_field(token, services.SECRET_FIELD)
    master_keys.rewrap(actor=None)
    assert keyring.open_field(token, services.SECRET_FIELD) == SECRET
