from __future__ import annotations

import re
import threading
from collections.abc import Callable
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from django.core.mail import EmailMessage
from django.db import connection
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts.models import Invitation, Role, User
from accounts.people import invitations
from accounts.people.invitations import InvitationRefused
from audit.models import AuditEvent

ClientOf = Callable[[User], Client]
INVITE = "/people/invite/"
DORA = "dora@example.org"
FORM = {"name": "Dora", "password": "an engine that weaves", "repeated": "an engine that weaves"}


@pytest.fixture
def link(admin: User) -> str:
    """The path of an open invitation of Dora."""
    return urlsplit(invitations.invite(email=DORA, role=Role.ENGINEER, actor=admin, name="Dora D").link).path


def denials() -> list[str]:
    events = AuditEvent.objects.filter(action="accounts:invitation:accept", outcome="denied").select_related("details")
    return [event.details.personal["reason"] for event in events]


def test_it_shows_the_link_once_where_there_is_no_mail(confirmed_client_of: ClientOf, admin: User) -> None:
    client = confirmed_client_of(admin)
    page = client.post(INVITE, {"email": "Dora@Example.org", "role": "engineer"}).content.decode()
    found = re.search(r"<code[^>]*>https?://[^/]+(/invitation/[^<]+)</code>", page)
    assert found and Client().get(found[1]).status_code == 200
    assert "/invitation/" not in client.get("/people/").content.decode()


def test_it_keeps_no_link(link: str) -> None:
    token = link.strip("/").rpartition("/")[2]
    stored = str(Invitation.objects.values_list().get()) + str(list(AuditEvent.objects.values_list("body", flat=True)))
    assert token not in stored


def test_it_sends_the_link_by_mail(
    confirmed_client_of: ClientOf, admin: User, settings: Settings, mailoutbox: list[EmailMessage]
) -> None:
    settings.MAIL_IS_CONFIGURED = True
    answer = confirmed_client_of(admin).post(INVITE, {"email": DORA, "role": "engineer"})
    (mail,) = mailoutbox
    found = re.search(r"https?://[^/]+(/invitation/\S+)", str(mail.body))
    assert mail.to == [DORA] and found and Client().get(found[1]).status_code == 200
    assert answer["Location"] == "/people/"


def test_it_shows_the_link_where_the_mail_server_does_not_answer(
    confirmed_client_of: ClientOf, admin: User, settings: Settings
) -> None:
    settings.MAIL_IS_CONFIGURED = True
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    page = confirmed_client_of(admin).post(INVITE, {"email": DORA, "role": "engineer"}).content.decode()
    assert "could not be sent" in page and "/invitation/" in page


@pytest.mark.parametrize(
    ("data", "answer"),
    [
        ({"email": "nobody", "role": "engineer"}, "valid email address"),
        ({"email": DORA, "role": "king"}, "Select a valid choice"),
        ({"email": "ALICE@example.org", "role": "engineer"}, "already exists"),
    ],
    ids=["address", "role", "taken"],
)
def test_it_says_what_is_wrong(
    confirmed_client_of: ClientOf, admin: User, alice: User, data: dict[str, str], answer: str
) -> None:
    response = confirmed_client_of(admin).post(INVITE, data)
    assert response.status_code == 422 and answer in response.content.decode()
    assert not Invitation.objects.exists()


def test_engineers_invite_nobody(confirmed_client_of: ClientOf, alice: User) -> None:
    assert confirmed_client_of(alice).post(INVITE, {"email": DORA, "role": "administrator"}).status_code == 403
    assert AuditEvent.objects.latest("sequence").action == "accounts:access:deny"


def test_inviting_asks_who_one_is(client_of: ClientOf, admin: User) -> None:
    answer = client_of(admin).post(INVITE, {"email": DORA, "role": "administrator"})
    assert answer["Location"].startswith("/account/confirm/")


def test_it_makes_the_account_and_logs_in(client: Client, link: str) -> None:
    assert 'value="Dora D"' in client.get(link).content.decode()
    assert client.post(link, FORM)["Location"] == "/"
    user = User.objects.get(email=DORA)
    assert (user.name, user.role, user.check_password(FORM["password"])) == ("Dora", Role.ENGINEER, True)
    assert client.get("/").status_code == 200


def test_it_records_what_happens(client: Client, link: str, admin: User) -> None:
    client.post(link, FORM)
    recorded = AuditEvent.objects.order_by("sequence").values_list("action", "actor")
    dora = User.objects.get(email=DORA).audit_id
    assert list(recorded) == [
        ("accounts:invitation:create", admin.audit_id),
        ("accounts:invitation:accept", dora),
        ("accounts:session:login", dora),
    ]


def test_neither_role_nor_address_come_from_the_form(client: Client, link: str) -> None:
    client.post(link, FORM | {"email": "eve@example.org", "role": "administrator", "is_active": ""})
    assert list(User.objects.exclude(name="Admin").values_list("email", "role")) == [(DORA, "engineer")]


@pytest.mark.parametrize(
    ("field", "value", "answer"),
    [
        ("password", "short", "at least 12 characters"),
        ("password", "password1234", "too common"),
        ("password", "dora@example.org", "too similar"),
        ("repeated", "another", "passwords do not match"),
    ],
)
def test_it_refuses_weak_passwords(client: Client, link: str, field: str, value: str, answer: str) -> None:
    response = client.post(link, FORM | {field: value})
    assert response.status_code == 422 and answer in response.content.decode()
    assert not User.objects.filter(email=DORA).exists()


@pytest.mark.parametrize("method", ["get", "post"])
def test_it_works_once(client: Client, link: str, method: str) -> None:
    Client().post(link, FORM)
    response = getattr(client, method)(link, FORM)
    assert response.status_code == 410 and "already used" in response.content.decode()
    assert denials() == ["used"]


@pytest.mark.parametrize("method", ["get", "post"])
def test_it_expires(client: Client, link: str, method: str) -> None:
    Invitation.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    response = getattr(client, method)(link, FORM)
    assert response.status_code == 410 and "has expired" in response.content.decode()
    assert denials() == ["expired"] and not User.objects.filter(email=DORA).exists()


def test_it_is_good_for_a_week(link: str) -> None:
    good_for = Invitation.objects.get().expires_at - timezone.now()
    assert timedelta(days=6, hours=23) < good_for <= timedelta(days=7)


def test_it_can_be_withdrawn(client_of: ClientOf, client: Client, link: str, admin: User) -> None:
    invitation = Invitation.objects.get()
    assert DORA in client_of(admin).get(f"/people/invitations/{invitation.pk}/revoke/").content.decode()
    page = client_of(admin).post(f"/people/invitations/{invitation.pk}/revoke/", follow=True).content.decode()
    assert "revoked" in page
    response = client.post(link, FORM)
    assert response.status_code == 410 and "was revoked" in response.content.decode()
    assert denials() == ["revoked"]
    assert AuditEvent.objects.filter(action="accounts:invitation:revoke").count() == 1


def test_it_withdraws_none_that_was_used(client_of: ClientOf, link: str, admin: User) -> None:
    Client().post(link, FORM)
    invitation = Invitation.objects.get()
    page = client_of(admin).post(f"/people/invitations/{invitation.pk}/revoke/", follow=True).content.decode()
    assert "was no longer pending" in page
    assert not AuditEvent.objects.filter(action="accounts:invitation:revoke").exists()


def test_engineers_withdraw_nothing(client_of: ClientOf, link: str, alice: User) -> None:
    invitation = Invitation.objects.get()
    assert client_of(alice).post(f"/people/invitations/{invitation.pk}/revoke/").status_code == 403
    invitation.refresh_from_db()
    assert invitation.revoked_at is None


def test_a_second_invitation_takes_the_place_of_the_first(client: Client, link: str, admin: User) -> None:
    second = urlsplit(invitations.invite(email=DORA, role=Role.ENGINEER, actor=admin).link).path
    assert client.get(link).status_code == 410
    assert client.get(second).status_code == 200


def test_it_refuses_whoever_has_an_account_by_now(client: Client, link: str) -> None:
    User.objects.create_user(email=DORA, password="another phrase of mine")
    response = client.post(link, FORM)
    assert response.status_code == 410 and "already have an account" in response.content.decode()
    assert denials() == ["taken"]
    assert User.objects.get(email=DORA).check_password("another phrase of mine")


@pytest.mark.parametrize("method", ["get", "post"])
def test_it_does_nothing_for_somebody_who_is_logged_in(
    client_of: ClientOf, link: str, alice: User, method: str
) -> None:
    client = client_of(alice)
    response = getattr(client, method)(link, FORM)
    assert response.status_code == 409 and alice.email in response.content.decode()
    assert denials() == ["other_user"] and not User.objects.filter(email=DORA).exists()
    assert client.get("/").context["user"] == alice


def test_it_refuses_a_link_that_is_none(client: Client, db: None) -> None:
    response = client.get("/invitation/nothing/")
    assert response.status_code == 410 and "not valid" in response.content.decode()
    assert denials() == ["unknown"]


def test_it_lists_open_invitations_only(client_of: ClientOf, link: str, admin: User) -> None:
    client = client_of(admin)
    assert DORA in client.get("/people/").content.decode()
    Invitation.objects.update(expires_at=timezone.now())
    assert DORA not in client.get("/people/").content.decode()


def at_once(*steps: Callable[[], object]) -> list[str]:
    """How each ended: ``made``, or why it was refused."""
    start, results = threading.Barrier(len(steps)), []

    def run(step: Callable[[], object]) -> None:
        start.wait()
        try:
            step()
            results.append("made")
        except InvitationRefused as refusal:
            results.append(refusal.reason)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[step]) for step in steps]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(results)


def acceptance(link: str) -> Callable[[], User]:
    token = link.strip("/").rpartition("/")[2]
    return lambda: invitations.accept(token=token, name="Dora", password="an engine that weaves")


@pytest.mark.django_db(transaction=True)
def test_two_who_accept_one_invitation_at_once_make_one_account(link: str) -> None:
    assert at_once(acceptance(link), acceptance(link)) == ["made", "used"]
    assert User.objects.filter(email=DORA).count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_invitations_accepted_at_once_make_one_account(link: str, admin: User) -> None:
    second = urlsplit(invitations.invite(email=DORA, role=Role.ADMINISTRATOR, actor=admin).link).path
    Invitation.objects.update(revoked_at=None)
    assert at_once(acceptance(link), acceptance(second)) == ["made", "taken"]
    assert User.objects.filter(email=DORA).count() == 1
