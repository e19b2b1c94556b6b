from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import ApiKey, Invitation, Role, User
from accounts.people import invitations
from accounts.profile import api_keys
from audit.models import AuditEvent

ClientOf = Callable[[User], Client]
INVITATIONS, KEYS, USERS = "/admin/accounts/invitation/", "/admin/accounts/apikey/", "/admin/accounts/user/"


@pytest.fixture
def link(admin: User) -> str:
    return urlsplit(invitations.invite(email="dora@example.org", role=Role.ENGINEER, actor=admin).link).path


@pytest.fixture
def key(alice: User) -> str:
    return api_keys.create(user=alice, label="Nightly", expires_at=None)[1]


def remove(client: Client, changelist: str, pk: int, *, bulk: bool) -> None:
    if bulk:
        client.post(changelist, {"action": "delete_selected", "_selected_action": str(pk), "post": "yes"})
    else:
        client.post(f"{changelist}{pk}/delete/", {"post": "yes"})


def test_it_finds_invitations_and_shows_no_link(client_of: ClientOf, admin: User, link: str) -> None:
    client = client_of(admin)
    page = client.get(INVITATIONS, {"q": "dora"}).content.decode()
    page += client.get(f"{INVITATIONS}{Invitation.objects.get().pk}/change/").content.decode()
    assert "dora@example.org" in page and "Open" in page
    assert link not in page and Invitation.objects.get().digest not in page


@pytest.mark.parametrize("bulk", [False, True])
def test_it_withdraws_invitations(client_of: ClientOf, admin: User, link: str, bulk: bool) -> None:
    remove(client_of(admin), INVITATIONS, Invitation.objects.get().pk, bulk=bulk)
    assert Client().get(link).status_code == 410
    assert AuditEvent.objects.get(action="accounts:invitation:revoke").actor == admin.audit_id


@pytest.mark.parametrize("bulk", [False, True])
def test_it_revokes_keys(client_of: ClientOf, admin: User, alice: User, key: str, bulk: bool) -> None:
    client = client_of(admin)
    page = client.get(KEYS, {"q": alice.email}).content.decode()
    assert "Nightly" in page and ApiKey.objects.get().digest not in page
    remove(client, KEYS, ApiKey.objects.get().pk, bulk=bulk)
    with pytest.raises(api_keys.KeyRefused):
        api_keys.authenticate(key)
    event = AuditEvent.objects.get(action="accounts:api_key:revoke")
    assert (event.actor, event.owner) == (admin.audit_id, alice.audit_id)


def test_it_leads_to_the_person_on_the_site(confirmed_client_of: ClientOf, admin: User, alice: User) -> None:
    page = confirmed_client_of(admin).get(f"{USERS}{alice.pk}/change/").content.decode()
    assert reverse("people:person-detail", args=[alice.pk]) in page
