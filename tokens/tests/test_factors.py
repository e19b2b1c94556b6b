"""What second factors are made of is sealed, found by a rotation, bound to its owner, and goes with its factor."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from allauth.core.context import request_context
from allauth.mfa.models import Authenticator
from django.core.exceptions import ValidationError
from django.db import transaction
from django.test import Client, RequestFactory

from accounts.models import User
from conftest import PASSWORD
from tokens import envelope, key_status, rotation
from tokens.factors import SealedMFAAdapter
from tokens.models import EncryptionKey, FactorSecret, KeyState, Trigger

KEY = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
Give = Callable[[User], None]


@pytest.fixture
def give_factors(rf: RequestFactory) -> Give:
    """An app with KEY, and recovery codes."""

    def give(user: User) -> None:
        request = rf.get("/")
        request.user = user
        with request_context(request), transaction.atomic():
            adapter = SealedMFAAdapter()
            app, codes = {"secret": adapter.encrypt(KEY)}, {"seed": adapter.encrypt("5e" * 40), "used_mask": 0}
            Authenticator.objects.create(user=user, type=Authenticator.Type.TOTP, data=app)
            Authenticator.objects.create(user=user, type=Authenticator.Type.RECOVERY_CODES, data=codes)

    return give


def opened(user: User) -> str:
    name = Authenticator.objects.get(user=user, type=Authenticator.Type.TOTP).data["secret"]
    return SealedMFAAdapter().decrypt(name)


def codes(user: User) -> list[str]:
    factor = Authenticator.objects.get(user=user, type=Authenticator.Type.RECOVERY_CODES)
    return list(factor.wrap().generate_codes())


def test_it_keeps_only_the_id_of_the_secret_in_the_factor(alice: User, give_factors: Give) -> None:
    give_factors(alice)
    factor = Authenticator.objects.get(type=Authenticator.Type.TOTP)
    assert factor.data == {"secret": str(FactorSecret.objects.get(pk=factor.data["secret"]).pk)}
    assert all(KEY.encode() not in bytes(row.secret) for row in FactorSecret.objects.all())
    assert opened(alice) == KEY


@pytest.mark.django_db(transaction=True)
def test_a_rotation_covers_second_factors(alice: User, give_factors: Give) -> None:
    give_factors(alice)
    before = codes(alice)
    run = rotation.run(trigger=Trigger.COMMAND, actor=None)
    new = EncryptionKey.objects.get(state=KeyState.PRIMARY)
    ids = {bytes(row.secret)[envelope.KEY_ID_START : envelope.KEY_ID_END] for row in FactorSecret.objects.all()}
    assert run.resealed == 2 and ids == {new.pk.bytes}
    assert opened(alice) == KEY and codes(alice) == before


@pytest.mark.django_db(transaction=True)
def test_a_compromised_key_exposes_second_factors_too(alice: User, give_factors: Give) -> None:
    give_factors(alice)
    leaked = EncryptionKey.objects.get(state=KeyState.PRIMARY)
    run = rotation.run(trigger=Trigger.COMMAND, actor=None, compromised=leaked)
    listed = key_status.rotation_report(run)["secrets_to_replace"]
    assert {(item["kind"], item["owner"]) for item in listed} == {("second factor", alice.email)} and len(listed) == 2


def test_the_use_of_a_second_factor_is_one_of_its_key(alice: User, give_factors: Give) -> None:
    give_factors(alice)
    assert key_status.data_keys()[0].last_used_at is None
    opened(alice)
    assert key_status.data_keys()[0].last_used_at is not None


def test_a_secret_opens_for_its_owner_only(alice: User, bob: User, give_factors: Give) -> None:
    give_factors(alice)
    FactorSecret.objects.update(owner=bob)
    with pytest.raises(ValidationError):
        opened(alice)


def test_two_secrets_cannot_be_swapped(alice: User, bob: User, give_factors: Give) -> None:
    give_factors(alice)
    first, second = FactorSecret.objects.order_by("created_at")
    FactorSecret.objects.filter(pk=first.pk).update(secret=second.secret)
    with pytest.raises(ValidationError):
        opened(alice)


def test_it_says_so_when_a_secret_cannot_be_read(client: Client, alice: User, give_factors: Give) -> None:
    give_factors(alice)
    for row in FactorSecret.objects.all():
        FactorSecret.objects.filter(pk=row.pk).update(secret=bytes(row.secret)[:-1] + b"?")
    client.post("/login/", {"login": alice.email, "password": PASSWORD})
    page = client.post("/login/code/", {"code": "123456"})
    assert page.status_code == 200 and "no longer works" in page.content.decode()


def test_it_forgets_a_secret_with_its_factor(alice: User, bob: User, give_factors: Give) -> None:
    give_factors(alice)
    give_factors(bob)
    Authenticator.objects.filter(user=alice).delete()
    assert set(FactorSecret.objects.values_list("owner", flat=True)) == {bob.pk}


def test_it_forgets_the_secrets_of_somebody_who_is_deleted(alice: User, give_factors: Give) -> None:
    give_factors(alice)
    alice.delete()
    assert not FactorSecret.objects.exists() and not Authenticator.objects.exists()
