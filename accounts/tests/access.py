"""What this app declares to the tests of every route: see ``aistrale/tests/expectations.py``."""

from __future__ import annotations

from typing import Any

from allauth.mfa.models import Authenticator
from django.test import Client

from accounts.models import ApiKey, Membership, Team, User
from accounts.profile import api_keys
from accounts.sessions.services import live_sessions


def a_passkey(owner: User) -> Authenticator:
    return Authenticator.objects.create(user=owner, type=Authenticator.Type.WEBAUTHN, data={"name": "key"})


def a_session(owner: User) -> Any:
    Client().force_login(owner)
    return live_sessions(owner)[0]


def a_key(owner: User) -> ApiKey:
    return api_keys.create(user=owner, label="script", expires_at=None)[0]


def a_membership(owner: User) -> Membership:
    return Membership.objects.create(team=Team.objects.create(name=f"Team {Team.objects.count()}"), user=owner)


def a_team(owner: User) -> Team:
    return a_membership(owner).team


USERS = {
    "account/api-keys/",
    "account/api-keys/add/",
    "account/checklist/",
    "account/confirm/",
    "account/confirm/code/",
    "account/confirm/passkey/",
    "account/confirm/sso/",
    "account/data/",
    "account/data/export.jsonl",
    "account/erase/",
    "account/profile/",
    "account/security/",
    "account/security/passkeys/",
    "account/security/passkeys/add/",
    "account/security/recovery-codes/",
    "account/security/recovery-codes/new/",
    "account/security/totp/",
    "account/security/totp/remove/",
    "account/sessions/",
    "account/sessions/end-others/",
    "account/sso/",
    "account/teams/",
    "account/theme/",
    "login/code/",
    "login/passkey/",
    "logout/",
    "password/",
}
EVERYONE = {
    # Entrances. Those of a second step lead back to the first whoever has not taken it.
    "login/",
    "login/<str:provider_id>/",
    "login/<str:provider_id>/callback/",
    "password/reset/",
    "password/reset/sent/",
    "password/reset/done/",
    "^password/reset/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$",
    "account/setup/<str:token>/",
    "invitation/<str:token>/",
}
ADMINISTRATORS = {
    "account/teams/<uuid:pk>/rename/",
    "account/teams/<uuid:pk>/delete/",
    "account/teams/<uuid:pk>/members/add/",
    "admin/accounts/usersession/<path:object_id>/delete/",
    "admin/accounts/user/add/",
    "admin/accounts/team/add/",
    "admin/accounts/team/<path:object_id>/delete/",
    "admin/accounts/invitation/<path:object_id>/delete/",
    "admin/accounts/apikey/<path:object_id>/delete/",
}
OBJECTS = {
    "account/security/passkeys/<int:pk>/": (a_passkey, "pk"),
    "account/sessions/<int:pk>/": (a_session, "pk"),
    "account/api-keys/<int:pk>/": (a_key, "pk"),
    "account/teams/<uuid:pk>/": (a_team, "pk"),
    "account/teams/<uuid:pk>/members/<int:user_pk>/": (a_membership, "team_id", "user_id"),
}
NO_PAGES = {
    "login/passkey/": "answers a script",
    "account/confirm/code/": "leads to the other ways to confirm",
    "account/security/passkeys/": "leads to the page of all factors",
    "admin/accounts/team/<path:object_id>/delete/": "leads to the page of the product",
}
