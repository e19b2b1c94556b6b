"""The password is asked for in a dialog where htmx asks, and on a page otherwise."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from accounts.models import User
from conftest import PASSWORD

ClientOf = Callable[[User], Client]
INVITE, CONFIRM = "/people/invite/", "/account/confirm/?next=/people/invite/"
HTMX = {"HX-Request": "true", "HX-Target": "dialog-content"}


@pytest.fixture
def client(client_of: ClientOf, admin: User) -> Client:
    return client_of(admin)


@pytest.fixture
def role_path(alice: User) -> str:
    return f"/people/{alice.pk}/role/"


def text(client: Client, path: str) -> str:
    return client.get(path, headers=HTMX, follow=True).content.decode()


def test_it_asks_in_the_dialog_and_says_what_for(client: Client, role_path: str) -> None:
    dialog = text(client, role_path)
    assert "Enter your password to change a role." in dialog and "<html" not in dialog


def test_it_goes_on_in_the_dialog(client: Client, role_path: str) -> None:
    question = client.get(role_path, headers=HTMX).headers["Location"]
    answer = client.post(question, {"password": PASSWORD}, headers=HTMX, follow=True)
    assert "Change role of" in answer.content.decode() and "<html" not in answer.content.decode()


def test_it_stays_in_the_dialog_after_a_wrong_password(client: Client) -> None:
    answer = client.post(CONFIRM, {"password": "wrong"}, headers=HTMX).content.decode()
    assert "Incorrect password" in answer and "<html" not in answer


def test_it_leads_on_to_a_page(client: Client) -> None:
    assert "invite a user" in text(client, CONFIRM)
    answer = client.post(CONFIRM, {"password": PASSWORD}, headers=HTMX)
    assert answer.headers["HX-Redirect"] == INVITE
    assert client.get(CONFIRM, headers=HTMX).headers["HX-Redirect"] == INVITE


def test_it_asks_on_a_page_without_script(client: Client) -> None:
    page = client.get(INVITE, follow=True).content.decode()
    assert "<html" in page and "Enter your password to invite a user." in page


def test_it_leaves_to_the_page_who_confirms_in_another_way(client: Client, admin: User) -> None:
    admin.set_unusable_password()
    admin.save()
    client.force_login(admin)
    assert client.get(CONFIRM, headers=HTMX).headers["HX-Redirect"] == INVITE


def test_it_names_no_purpose_of_another_place(client: Client) -> None:
    assert "Enter your password to continue." in text(client, "/account/confirm/?next=/nothing-here/")
