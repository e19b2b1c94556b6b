"""Which steps ask who one is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from aistrale.tests.expectations import OBJECTS, ids_in
from aistrale.tests.routes import path_of
from tokens.tests.access import a_token

pytestmark = pytest.mark.django_db
ClientOf = Callable[[User], Client]
ASKS = {
    "password/",
    "account/security/totp/",
    "account/security/recovery-codes/new/",
    "account/security/passkeys/add/",
    "account/security/passkeys/<int:pk>/remove/",
    "account/security/passkeys/<int:pk>/rename/",
    "account/api-keys/add/",
    "account/data/",
    "account/data/export.jsonl",
    "account/erase/",
    "account/sso/",
    "people/invite/",
    "people/<int:pk>/role/",
    "people/<int:pk>/deactivate/",
    "people/<int:pk>/reactivate/",
    "people/<int:pk>/end-sessions/",
    "people/<int:pk>/data/",
    "people/<int:pk>/data/export.jsonl",
    "people/<int:pk>/erase/",
    "tokens/<uuid:token_id>/replace/",
    "tokens/keys/rotate/",
    "admin/accounts/usersession/<path:object_id>/delete/",
    "admin/accounts/user/add/",
    "admin/accounts/user/<path:object_id>/change/",
    "admin/accounts/user/<id>/password/",
}


def address(route: str, admin: User, alice: User) -> str:
    if route in OBJECTS:
        return path_of(route, *ids_in(route, OBJECTS[route](admin)))
    return path_of(route, alice.pk)


def asks(response: Any) -> bool:
    place = response.headers.get("Location", "") or response.headers.get("HX-Redirect", "")
    return bool(place.startswith("/account/confirm/"))


def test_these_steps_ask_who_one_is(admin: User, alice: User, client_of: ClientOf) -> None:
    """By each method that they answer, so that no form can be sent past its page."""
    client, unasked = client_of(admin), []
    for route in sorted(ASKS):
        path = address(route, admin, alice)
        for response in (client.get(path), client.post(path), client.post(path, headers={"HX-Request": "true"})):
            if response.status_code != 405 and not asks(response):
                unasked.append((response.request["REQUEST_METHOD"], route, response.status_code))
    assert unasked == []


def test_nothing_is_done_before_it_is_answered(admin: User, alice: User, client_of: ClientOf) -> None:
    client, token = client_of(admin), a_token(admin)
    client.post(f"/people/{alice.pk}/erase/", {"email": alice.email})
    client.post(f"/people/{alice.pk}/role/", {"role": "administrator"})
    client.post("/account/erase/", {"email": admin.email})
    client.post(f"/tokens/{token.pk}/replace/", {"secret": "sk-another-secret-of-mine", "untested": "on"})
    client.post("/password/", {"password1": "another long one", "password2": "another long one"})
    before = alice.role, admin.password, token.fingerprint
    for row in (alice, admin, token):
        row.refresh_from_db()
    assert (alice.role, admin.password, token.fingerprint) == before
