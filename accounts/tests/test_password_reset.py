from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.core.mail import EmailMessage
from django.test import Client
from pytest_django import Settings

from accounts.models import User
from audit.models import AuditEvent
from conftest import PASSWORD

RESET = "/password/reset/"
NEW = "a much longer phrase"


@pytest.fixture(autouse=True)
def mail(db: None, settings: Settings, mailoutbox: list[EmailMessage]) -> list[EmailMessage]:
    settings.MAIL_IS_CONFIGURED = True
    return mailoutbox


def ask(email: str) -> Any:
    return Client().post(RESET, {"email": email}, follow=True)


def link_in(message: EmailMessage) -> str:
    found = re.search(r"http\S+", str(message.body))
    assert found
    return urlsplit(found[0]).path


def set_password(link: str, password: str = NEW) -> Any:
    client = Client()
    form = client.get(link, follow=True)
    page = form.request["PATH_INFO"]
    return client.post(page, {"password1": password, "password2": password}, follow=True)


def test_it_sends_a_link_with_which_one_sets_a_new_password(alice: User, mail: list[EmailMessage]) -> None:
    ask(alice.email)
    assert mail[0].to == [alice.email] and mail[0].subject == "Reset your AISTRALE password"
    assert "Password changed" in set_password(link_in(mail[0])).content.decode()
    alice.refresh_from_db()
    assert alice.check_password(NEW)
    assert AuditEvent.objects.latest("sequence").action == "accounts:user:password_change"


@pytest.mark.parametrize("email", ["alice@example.org", "nobody@example.org"])
def test_no_request_says_where_a_link_leads(
    alice: User, mail: list[EmailMessage], email: str, settings: Settings
) -> None:
    Client().post(RESET, {"email": email}, headers={"Host": "localhost:9999"})
    assert "localhost" not in str(mail[0].body) and urlsplit(settings.PUBLIC_URL).netloc in str(mail[0].body)


def test_it_ends_all_sessions(client_of: Callable[[User], Client], alice: User, mail: list[EmailMessage]) -> None:
    client = client_of(alice)
    ask(alice.email)
    set_password(link_in(mail[0]))
    assert client.get("/").status_code == 302


def test_it_keeps_the_key_out_of_the_page_address(alice: User, mail: list[EmailMessage]) -> None:
    ask(alice.email)
    key = link_in(mail[0]).rstrip("/").rpartition("-")[2]
    response = Client().get(link_in(mail[0]), follow=True)
    assert key not in response.request["PATH_INFO"]


def test_it_answers_the_same_for_an_unknown_address(alice: User, bob: User, mail: list[EmailMessage]) -> None:
    User.objects.filter(pk=bob.pk).update(is_active=False)
    answers = [ask(email) for email in (alice.email, bob.email, "nobody@example.org")]
    assert len({re.sub(rb"[A-Za-z0-9]{64}", b"CSRF", answer.content) for answer in answers}) == 1
    assert [message.subject for message in mail] == [
        "Reset your AISTRALE password",
        "Your AISTRALE password",
        "Your AISTRALE password",
    ]


def test_it_gives_no_password_to_who_logs_in_by_single_sign_on(alice: User, mail: list[EmailMessage]) -> None:
    alice.set_unusable_password()
    alice.save()
    ask(alice.email)
    assert "http" not in str(mail[0].body)


def test_it_takes_a_link_once(alice: User, mail: list[EmailMessage]) -> None:
    ask(alice.email)
    set_password(link_in(mail[0]))
    assert "This link is not valid" in Client().get(link_in(mail[0]), follow=True).content.decode()


def test_it_takes_a_link_for_a_day(alice: User, mail: list[EmailMessage], settings: Settings) -> None:
    ask(alice.email)
    settings.PASSWORD_RESET_TIMEOUT = 0
    time.sleep(1.1)
    assert "This link is not valid" in Client().get(link_in(mail[0]), follow=True).content.decode()


@pytest.mark.parametrize("password", ["short", "password1234"])
def test_it_takes_no_weak_password(alice: User, mail: list[EmailMessage], password: str) -> None:
    ask(alice.email)
    set_password(link_in(mail[0]), password)
    alice.refresh_from_db()
    assert alice.check_password(PASSWORD)


def test_it_limits_how_many_mails_one_can_have_sent(alice: User, mail: list[EmailMessage]) -> None:
    for _ in range(7):
        ask(alice.email)
    assert len(mail) < 7
    assert ask(alice.email).status_code == 429


def test_it_writes_down_no_second_address_to_log_in_with(alice: User, mail: list[EmailMessage]) -> None:
    ask(alice.email)
    User.objects.filter(pk=alice.pk).update(email="renamed@example.org")
    response = Client().post("/login/", {"login": "alice@example.org", "password": PASSWORD})
    assert response.status_code == 200


def test_it_offers_no_reset_without_mail(alice: User, settings: Settings) -> None:
    settings.MAIL_IS_CONFIGURED = False
    assert Client().get(RESET).status_code == 404
    page = Client().get("/login/").content.decode()
    assert RESET not in page and "Ask an administrator" in page


def test_it_offers_the_reset_with_mail(db: None) -> None:
    assert f'href="{RESET}"' in Client().get("/login/").content.decode()
