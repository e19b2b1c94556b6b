from __future__ import annotations

from allauth.mfa.models import Authenticator
from django.db import transaction
from django.test import Client

from accounts.actions import AccountsAction
from accounts.models import Role
from accounts.people import invitations, services
from accounts.profile import api_keys
from accounts.teams import services as team_services
from audit.tests.scene import Acts, Scene
from conftest import PASSWORD


def log_in(email: str, password: str) -> None:
    Client().post("/login/", {"login": email, "password": password})


def add_factor(scene: Scene) -> None:
    with transaction.atomic():
        Authenticator.objects.create(user=scene.alice, type=Authenticator.Type.WEBAUTHN, data={})


def use_key(scene: Scene) -> None:
    _, text = api_keys.create(user=scene.alice, label="CI", expires_at=None)
    assert api_keys.authenticate(text).user == scene.alice


def make_team(scene: Scene) -> None:
    team = team_services.create_team(name="Research", actor=scene.admin)
    team_services.add_member(team=team, user=scene.alice, actor=scene.admin)


ACTS: Acts = {
    "log-in": (lambda s: log_in(s.alice.email, PASSWORD), [AccountsAction.SESSION_LOGIN]),
    "failed log-in": (lambda s: log_in(s.alice.email, "wrong"), [AccountsAction.SESSION_LOGIN_FAILED]),
    "failed log-in of nobody": (lambda s: log_in("nobody@example.org", "x"), [AccountsAction.SESSION_LOGIN_FAILED]),
    "log-out": (lambda s: s.as_alice.post("/logout/"), [AccountsAction.SESSION_LOGOUT]),
    "denial of a page": (lambda s: s.as_alice.get("/people/"), [AccountsAction.ACCESS_DENIED]),
    "denial of an action": (lambda s: s.as_alice.post("/people/invite/"), [AccountsAction.ACCESS_DENIED]),
    "role changed": (
        lambda s: services.change_role(user=s.alice, role=Role.ADMINISTRATOR, actor=s.admin),
        [AccountsAction.USER_ROLE],
    ),
    "user deactivated": (
        lambda s: services.set_active(user=s.alice, active=False, actor=s.admin),
        [AccountsAction.USER_DEACTIVATE, AccountsAction.SESSION_END],
    ),
    "second factor added": (add_factor, [AccountsAction.MFA_ADD]),
    "user invited": (
        lambda s: invitations.invite(email="new@example.org", role=Role.ENGINEER, actor=s.admin),
        [AccountsAction.INVITATION_CREATE],
    ),
    "API key made and used": (use_key, [AccountsAction.API_KEY_CREATE, AccountsAction.API_KEY_USE]),
    "team made, member added": (make_team, [AccountsAction.TEAM_CREATE, AccountsAction.MEMBER_ADD]),
}
