from __future__ import annotations

import os
import uuid
from base64 import b64encode
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.utils import timezone
from pytest_django import Settings

from accounts.models import User
from accounts.sharing import EVERYONE
from audit.models import AuditEvent
from tokens import keyring, services
from tokens.base_urls import BaseUrlRefused
from tokens.checks import CheckResult, TokenState
from tokens.envelope import Damaged, key_id_of
from tokens.models import EncryptionKey, KeyState, ProviderToken
from tokens.secrets import SecretRefused
from tokens.tests.conftest import SECRET

Make = Callable[..., ProviderToken]
WORKING = CheckResult(TokenState.WORKING, "", 12)
OTHER = "sk-another-secret-0123456789"


def update(token: ProviderToken, actor: User, **changes: Any) -> ProviderToken:
    fields: dict[str, Any] = {name: getattr(token, name) for name in ("label", "base_url", "audience", "expires_at")}
    return services.update_token(token=token, actor=actor, **(fields | changes))


def actions() -> list[str]:
    return list(AuditEvent.objects.order_by("sequence").values_list("action", flat=True))


def damage(token: ProviderToken) -> None:
    altered = bytearray(token.secret)
    altered[-1] ^= 1
    ProviderToken.objects.filter(pk=token.pk).update(secret=bytes(altered))
    token.refresh_from_db()


def test_it_opens_what_was_added(alice: User, token: ProviderToken) -> None:
    assert services.open_token(token_id=token.pk, actor=alice) == SECRET


def test_it_stores_no_plain_secret(token: ProviderToken) -> None:
    token.refresh_from_db()
    assert SECRET.encode() not in bytes(token.secret)
    assert token.hint == "sk-c…0pR2"


def test_it_keeps_the_test_result_of_a_new_token(token_of: Make, alice: User) -> None:
    token = token_of(alice, check=WORKING)
    assert token.state == TokenState.WORKING and token.checked_at is not None


def test_it_marks_an_untested_token(token: ProviderToken) -> None:
    assert token.state == TokenState.UNTESTED and token.checked_at is None


def test_it_makes_the_first_token_of_a_provider_the_default(token_of: Make, alice: User) -> None:
    assert [token_of(alice).is_default, token_of(alice).is_default] == [True, False]
    assert token_of(alice, provider="groq").is_default


def test_it_moves_the_default(token_of: Make, alice: User) -> None:
    first, second = token_of(alice), token_of(alice)
    services.make_default(token=second, actor=alice)
    first.refresh_from_db()
    assert second.is_default and not first.is_default


def test_it_seals_all_tokens_with_one_primary_key(token_of: Make, alice: User, bob: User) -> None:
    used = {key_id_of(bytes(token_of(user).secret)) for user in (alice, bob)}
    assert used == {EncryptionKey.objects.get(state=KeyState.PRIMARY).pk}


def test_it_fails_for_both_when_two_secrets_are_swapped(token_of: Make, alice: User) -> None:
    first, second = token_of(alice), token_of(alice, secret=OTHER)
    first.secret, second.secret = second.secret, first.secret
    first.save()
    second.save()
    for token in (first, second):
        with pytest.raises(services.TokenUnreadable):
            services.open_token(token_id=token.pk, actor=alice)


def test_it_does_not_open_under_another_provider(token: ProviderToken) -> None:
    token.provider = "groq"
    with pytest.raises(Damaged):
        keyring.open_field(token, services.SECRET_FIELD)


def test_it_marks_a_damaged_token_and_opens_the_others(token_of: Make, alice: User) -> None:
    broken, other = token_of(alice), token_of(alice)
    damage(broken)
    with pytest.raises(services.TokenUnreadable, match="needs re-entry"):
        services.open_token(token_id=broken.pk, actor=alice)
    broken.refresh_from_db()
    assert broken.state == TokenState.NEEDS_REENTRY
    assert services.open_token(token_id=other.pk, actor=alice) == SECRET


def test_it_names_the_missing_master_key(alice: User, token: ProviderToken, settings: Settings) -> None:
    settings.MASTER_KEYS = f"m-other:{b64encode(os.urandom(32)).decode()}"
    with pytest.raises(services.TokenUnreadable, match="'m-test', which wraps data key .* is missing"):
        services.open_token(token_id=token.pk, actor=alice)
    assert keyring.missing_master_keys() == ["m-test"]


def test_it_names_a_master_key_with_the_wrong_bytes(token: ProviderToken, settings: Settings) -> None:
    settings.MASTER_KEYS = f"m-test:{b64encode(os.urandom(32)).decode()}"
    ((key_id, reason),) = keyring.broken_keys().items()
    assert str(key_id) in reason and "'m-test'" in reason


def test_it_reports_no_broken_keys_when_all_is_well(token: ProviderToken) -> None:
    assert (keyring.broken_keys(), keyring.missing_master_keys()) == ({}, [])


def test_it_unmarks_a_token_whose_master_key_came_back(token: ProviderToken, alice: User, settings: Settings) -> None:
    kept, settings.MASTER_KEYS = settings.MASTER_KEYS, ""
    with pytest.raises(services.TokenUnreadable):
        services.open_token(token_id=token.pk, actor=alice)
    states = []
    for master_keys in ("", kept):
        settings.MASTER_KEYS = master_keys
        services.recheck_unreadable()
        token.refresh_from_db()
        states.append(token.state)
    assert states == [TokenState.NEEDS_REENTRY, TokenState.UNTESTED]


def test_it_heals_a_token_by_entering_its_secret_again(alice: User, token: ProviderToken) -> None:
    damage(token)
    services.replace_secret(token=token, actor=alice, secret=OTHER)
    assert services.open_token(token_id=token.pk, actor=alice) == OTHER


def test_it_forgets_the_old_test_when_the_secret_is_replaced(token_of: Make, alice: User) -> None:
    replaced = services.replace_secret(token=token_of(alice, check=WORKING), actor=alice, secret=OTHER)
    assert (replaced.state, replaced.checked_at) == (TokenState.UNTESTED, None)


def test_it_stamps_the_use(alice: User, token: ProviderToken) -> None:
    services.open_token(token_id=token.pk, actor=alice)
    token.refresh_from_db()
    assert token.last_used_at is not None


def test_it_hides_a_token_from_strangers(charlie: User, token: ProviderToken) -> None:
    with pytest.raises(ProviderToken.DoesNotExist):
        services.open_token(token_id=token.pk, actor=charlie)


def test_it_opens_a_shared_token_for_everyone(admin: User, bob: User, token_of: Make) -> None:
    assert services.open_token(token_id=token_of(admin, audience=EVERYONE).pk, actor=bob) == SECRET


def test_it_shows_nothing_to_a_deactivated_user(alice: User, token: ProviderToken) -> None:
    alice.is_active = False
    assert not ProviderToken.objects.visible_to(alice).exists()
    assert not ProviderToken.objects.editable_by(alice).exists()


@pytest.mark.parametrize("fields", [{"base_url": "https://llm.example.org/v1"}, {"audience": EVERYONE}])
def test_it_lets_only_administrators_set(fields: dict[str, Any], token_of: Make, alice: User, admin: User) -> None:
    assert token_of(admin, **fields)
    with pytest.raises(PermissionDenied):
        token_of(alice, **fields)
    with pytest.raises(PermissionDenied):
        update(token_of(alice), alice, secret=OTHER, **fields)


def test_it_asks_for_the_secret_when_the_base_url_changes(token_of: Make, admin: User) -> None:
    token = token_of(admin)
    with pytest.raises(services.SecretRequired):
        update(token, admin, base_url="https://elsewhere.example.org/v1")
    moved = update(token, admin, base_url="https://elsewhere.example.org/v1", secret=OTHER)
    assert moved.base_url == "https://elsewhere.example.org/v1"
    assert services.open_token(token_id=token.pk, actor=admin) == OTHER


def test_it_refuses_a_base_url_without_tls(token_of: Make, admin: User) -> None:
    with pytest.raises(BaseUrlRefused):
        token_of(admin, base_url="http://llm.example.org/v1")


def test_it_takes_a_base_url_without_tls_on_a_listed_host(token_of: Make, admin: User, settings: Settings) -> None:
    settings.PROVIDER_HOSTS = ["Localhost:11434"]
    assert token_of(admin, base_url="http://localhost:11434/v1").base_url == "http://localhost:11434/v1"


def test_it_stores_nothing_when_the_secret_is_refused(token_of: Make, alice: User) -> None:
    with pytest.raises(SecretRefused):
        token_of(alice, secret="two words")
    assert not ProviderToken.objects.exists() and not AuditEvent.objects.exists()


def test_it_keeps_the_secret_when_only_the_label_changes(token: ProviderToken, alice: User) -> None:
    update(token, alice, label="Renamed")
    assert services.open_token(token_id=token.pk, actor=alice) == SECRET


def test_it_ignores_the_test_of_a_secret_that_was_replaced_meanwhile(token: ProviderToken, alice: User) -> None:
    services.replace_secret(token=token, actor=alice, secret=OTHER)
    services.record_check(token=token, actor=alice, result=WORKING)
    token.refresh_from_db()
    assert token.state == TokenState.UNTESTED


def test_it_picks_the_own_default_then_the_newest_then_a_shared_one(token_of: Make, alice: User, admin: User) -> None:
    shared = token_of(admin, audience=EVERYONE)
    assert services.pick_token(user=alice, provider="openai") == shared
    default, newest = token_of(alice), token_of(alice)
    assert services.pick_token(user=alice, provider="openai") == default
    services.delete_token(token=default, actor=alice)
    assert services.pick_token(user=alice, provider="openai") == newest


def test_it_picks_nothing_of_another_provider_or_owner(token_of: Make, alice: User, bob: User) -> None:
    token_of(bob)
    token_of(alice, provider="groq")
    assert services.pick_token(user=alice, provider="openai") is None


def test_it_counts_refused_unreadable_and_expired_tokens_as_unusable(token_of: Make, alice: User) -> None:
    usable = token_of(alice, expires_at=timezone.now() + timedelta(days=1))
    token_of(alice, expires_at=timezone.now() - timedelta(days=1))
    token_of(alice, check=CheckResult(TokenState.REFUSED, "no", 1))
    assert list(ProviderToken.objects.usable()) == [usable]


def test_it_records_what_happens_to_a_token(token: ProviderToken, alice: User) -> None:
    services.open_token(token_id=token.pk, actor=alice)
    services.record_check(token=token, actor=alice, result=WORKING)
    update(token, alice, label="Renamed")
    services.replace_secret(token=token, actor=alice, secret=OTHER)
    services.delete_token(token=token, actor=alice)
    verbs = ["add", "use", "test", "update", "replace", "delete"]
    assert actions() == [f"tokens:token:{verb}" for verb in verbs]


def test_it_records_a_use_that_failed(token: ProviderToken, alice: User) -> None:
    damage(token)
    with pytest.raises(services.TokenUnreadable):
        services.open_token(token_id=token.pk, actor=alice)
    last = AuditEvent.objects.latest("sequence")
    assert (last.action, last.outcome, last.target_id) == ("tokens:token:use", "failed", str(token.pk))


def test_it_names_the_token_in_the_log_after_it_was_deleted(token: ProviderToken, alice: User) -> None:
    token_id = token.pk
    services.delete_token(token=token, actor=alice)
    assert AuditEvent.objects.latest("sequence").target_id == str(token_id)


def test_it_finds_no_token_by_a_random_id(alice: User) -> None:
    with pytest.raises(ProviderToken.DoesNotExist):
        services.open_token(token_id=uuid.uuid4(), actor=alice)
