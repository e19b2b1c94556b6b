"""What a page says when the mail server does not do its part."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest
from django.core.mail import EmailMessage
from django.test import Client
from pytest_django import Settings

from accounts.models import User
from accounts.people.invitations import open_invitations
from accounts.tests.mail_server import FAULTS, faulty_mail_server

ClientOf = Callable[[User], Client]
Faulty = Callable[[str], AbstractContextManager[None]]
PAGE_SECONDS = 5
ALL_FAULTS = ["is away", *FAULTS]


@pytest.fixture
def faulty(settings: Settings) -> Faulty:
    """`with faulty("hangs"):` the mail server hangs."""
    settings.MAIL_IS_CONFIGURED = True
    working = settings.EMAIL_BACKEND

    @contextmanager
    def use(fault: str) -> Iterator[None]:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        with faulty_mail_server(fault) as port:
            settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", port
            yield
        settings.EMAIL_BACKEND = working

    return use


def invite(client: Client) -> tuple[int, str]:
    answer = client.post("/people/invite/", {"email": "dora@example.org", "role": "engineer"})
    return answer.status_code, answer.content.decode()


def ask_for_a_new_password(email: str) -> tuple[int, str]:
    answer = Client().post("/password/reset/", {"email": email}, follow=True)
    page = answer.content.decode().replace(email, "EMAIL")
    return answer.status_code, re.sub("[A-Za-z0-9]{64}", "CSRF", page)


@pytest.mark.parametrize("fault", ALL_FAULTS)
def test_an_invitation_stays_and_its_link_is_shown(
    fault: str, faulty: Faulty, confirmed_client_of: ClientOf, admin: User, settings: Settings
) -> None:
    settings.EMAIL_TIMEOUT = 0.5
    with faulty(fault):
        status, page = invite(confirmed_client_of(admin))
    assert status == 200 and "The email could not be sent" in page
    assert ("does not take mail for this address" in page) == (fault == "refuses the recipient")
    link = re.search(r"/invitation/[^/<]+/", page)
    assert link and Client().get(link[0]).status_code == 200


def test_an_invitation_is_sent_when_the_server_is_back(
    faulty: Faulty, confirmed_client_of: ClientOf, admin: User, mailoutbox: list[EmailMessage]
) -> None:
    client = confirmed_client_of(admin)
    with faulty("is away"):
        invite(client)
    invite(client)
    assert [mail.to for mail in mailoutbox] == [["dora@example.org"]] and open_invitations().count() == 1


@pytest.mark.parametrize("fault", ALL_FAULTS)
def test_a_link_for_a_new_password_is_missed_alike_by_known_and_unknown_addresses(
    fault: str, faulty: Faulty, alice: User, settings: Settings
) -> None:
    settings.EMAIL_TIMEOUT = 0.5
    answers = []
    for email in (alice.email, "nobody@example.org"):
        with faulty(fault):
            answers.append(ask_for_a_new_password(email))
    status, page = answers[0]
    assert answers[1] == answers[0]
    assert status == 422 and "The mail server" in page and "Try again" in page


def test_a_server_that_hangs_is_not_waited_for_long(faulty: Faulty, confirmed_client_of: ClientOf, admin: User) -> None:
    client, began = confirmed_client_of(admin), time.monotonic()
    with faulty("hangs"):
        invite(client)
    assert time.monotonic() - began < PAGE_SECONDS
