from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any, cast

import pytest
from asgiref.sync import async_to_sync
from django.http import StreamingHttpResponse
from django.test import AsyncClient, Client
from django.utils import timezone
from pytest_django import Settings

from accounts.models import ApiKey, User
from accounts.profile import api_keys
from accounts.profile.api_keys import KeyRefused
from audit.models import AuditEvent

ClientOf = Callable[[User], Client]
FIELDS: dict[str, Any] = {"label": "Nightly", "scopes": ["prompts:read"], "expires_at": ""}
ADD, LIST, EXPORT = "/account/api-keys/add/", "/account/api-keys/", "/audit/export.jsonl"


@pytest.fixture
def key(alice: User) -> str:
    return api_keys.create(user=alice, label="Nightly", expires_at=None)[1]


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def uses() -> list[tuple[str, str | None]]:
    events = AuditEvent.objects.filter(action="accounts:api_key:use").select_related("details").order_by("sequence")
    return [(event.outcome, event.details.personal.get("reason")) for event in events]


def test_it_shows_a_key_once(confirmed_client_of: ClientOf, alice: User) -> None:
    client = confirmed_client_of(alice)
    page = client.post(ADD, FIELDS | {"expires_at": "30"}).content.decode()
    found = re.search(r"ais_[0-9a-f]{12}_[A-Za-z0-9_-]{43}", page)
    assert found and api_keys.authenticate(found[0]).user == alice
    listing = client.get(LIST).content.decode()
    assert "Nightly" in listing and found[0] not in listing


def test_it_keeps_no_key(key: str) -> None:
    stored = f"{ApiKey.objects.values_list().get()}{list(AuditEvent.objects.values_list('body', 'details__content'))}"
    assert key.rpartition("_")[2] not in stored and key[-20:] not in stored


@pytest.mark.parametrize(("choice", "days"), [("30", 30), ("365", 365)])
def test_it_expires(confirmed_client_of: ClientOf, alice: User, choice: str, days: int) -> None:
    confirmed_client_of(alice).post(ADD, FIELDS | {"expires_at": choice})
    expires_at = ApiKey.objects.get().expires_at
    assert expires_at and abs(expires_at - timezone.now() - timedelta(days=days)) < timedelta(minutes=1)


def test_it_can_last(confirmed_client_of: ClientOf, alice: User) -> None:
    confirmed_client_of(alice).post(ADD, FIELDS)
    assert ApiKey.objects.get().expires_at is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"label": ""},
        {"expires_at": "9999"},
        {"label": "x" * 81},
        {"scopes": []},
        {"scopes": ["everything"]},
        {"name_prefix": "/support"},
    ],
)
def test_it_says_what_is_wrong(confirmed_client_of: ClientOf, alice: User, wrong: dict[str, Any]) -> None:
    assert confirmed_client_of(alice).post(ADD, FIELDS | wrong).status_code == 422
    assert not ApiKey.objects.exists()


def test_adding_a_key_asks_who_one_is(client_of: ClientOf, alice: User) -> None:
    assert client_of(alice).post(ADD, {"label": "x"})["Location"].startswith("/account/confirm/")


def test_it_notes_the_last_use(key: str, alice: User) -> None:
    assert api_keys.authenticate(key).user == alice
    assert ApiKey.objects.get().last_used_at
    assert uses() == [("success", None)]


def test_it_notes_a_use_once_a_minute(key: str) -> None:
    for _ in range(3):
        api_keys.authenticate(key)
    assert len(uses()) == 1
    ApiKey.objects.update(last_used_at=timezone.now() - timedelta(seconds=61))
    api_keys.authenticate(key)
    assert len(uses()) == 2


def test_a_use_that_need_not_be_noted_costs_one_query(key: str, django_assert_num_queries: Any) -> None:
    api_keys.authenticate(key)
    with django_assert_num_queries(1):
        api_keys.authenticate(key)


def test_the_public_half_must_belong_to_the_secret_one(key: str, bob: User) -> None:
    other = api_keys.create(user=bob, label="Other", expires_at=None)[0]
    assert api_keys.authenticate(key, public=key[:16]).prefix == key[:16]
    with pytest.raises(KeyRefused):
        api_keys.authenticate(key, public=other.prefix)


def test_its_scopes_are_chosen_in_the_form(confirmed_client_of: ClientOf, alice: User) -> None:
    chosen = ["audit:read", "prompts:read", "prompts:write"]
    confirmed_client_of(alice).post(ADD, FIELDS | {"scopes": chosen, "name_prefix": "support/"})
    assert ApiKey.objects.get().scopes == ["audit:read", "prompts:read:support/", "prompts:write:support/"]


def test_what_it_may_do_is_recorded(alice: User) -> None:
    api_keys.create(user=alice, label="CI", expires_at=None, scopes=["prompts:read"])
    entry = AuditEvent.objects.get(action="accounts:api_key:create")
    assert (entry.actor, entry.after and entry.after["scopes"]) == (alice.audit_id, ["prompts:read"])


def test_a_key_for_prompts_does_not_read_the_audit_log(client: Client, alice: User) -> None:
    secret = api_keys.create(user=alice, label="CI", expires_at=None, scopes=["prompts:read"])[1]
    response = client.get(EXPORT, headers=bearer(secret))
    assert response.status_code == 403 and "audit:read" in response.content.decode()


@pytest.mark.parametrize(
    "change", [lambda key: key[:-1] + ("A" if key[-1] != "A" else "B"), lambda key: "", lambda key: "x"]
)
def test_it_refuses_any_other_key(key: str, change: Callable[[str], str]) -> None:
    with pytest.raises(KeyRefused):
        api_keys.authenticate(change(key))
    assert uses() == [("denied", "unknown")]


def test_it_refuses_an_expired_key(key: str) -> None:
    ApiKey.objects.update(expires_at=timezone.now())
    with pytest.raises(KeyRefused):
        api_keys.authenticate(key)
    assert uses() == [("denied", "expired")]


def test_it_refuses_the_key_of_a_deactivated_user(key: str) -> None:
    User.objects.update(is_active=False)
    with pytest.raises(KeyRefused):
        api_keys.authenticate(key)
    assert uses() == [("denied", "inactive")]


def test_it_refuses_whoever_lacks_a_second_factor(key: str, settings: Settings) -> None:
    settings.MFA_POLICY = "all"
    with pytest.raises(KeyRefused):
        api_keys.authenticate(key)
    assert uses() == [("denied", "no_second_factor")]


def test_it_is_revoked(client_of: ClientOf, key: str, alice: User) -> None:
    path = f"/account/api-keys/{ApiKey.objects.get().pk}/revoke/"
    assert "Nightly" in client_of(alice).get(path).content.decode()
    client_of(alice).post(path)
    with pytest.raises(KeyRefused):
        api_keys.authenticate(key)
    assert AuditEvent.objects.get(action="accounts:api_key:revoke").actor == alice.audit_id


@pytest.mark.parametrize("method", ["get", "post"])
def test_somebody_elses_key_answers_as_a_missing_one(client_of: ClientOf, key: str, charlie: User, method: str) -> None:
    path = f"/account/api-keys/{ApiKey.objects.get().pk}/revoke/"
    assert getattr(client_of(charlie), method)(path).status_code == 404
    assert ApiKey.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_program_reads_what_its_user_may_read(key: str, alice: User, bob: User) -> None:
    api_keys.create(user=bob, label="Other", expires_at=None)

    async def read() -> tuple[StreamingHttpResponse, str]:
        response = cast(StreamingHttpResponse, await AsyncClient().get(EXPORT, headers=bearer(key)))
        return response, b"".join([chunk async for chunk in response]).decode()

    response, body = async_to_sync(read)()
    assert response.status_code == 200
    assert str(alice.audit_id) in body and str(bob.audit_id) not in body
    assert not response.cookies


def test_a_program_without_a_right_key_is_told_so(client: Client, key: str) -> None:
    response = client.get(EXPORT, headers=bearer(key + "x"))
    assert (response.status_code, response["WWW-Authenticate"]) == (401, "Bearer")


@pytest.mark.parametrize("path", ["/", "/audit/", "/account/profile/", "/people/", "/admin/"])
def test_a_key_opens_nothing_else(client: Client, key: str, path: str) -> None:
    assert client.get(path, headers=bearer(key)).status_code == 302
    assert uses() == []


def test_a_key_changes_nothing(client: Client, key: str) -> None:
    assert client.post(EXPORT, headers=bearer(key)).status_code in (302, 405)
    assert uses() == []
