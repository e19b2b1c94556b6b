from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User

ClientOf = Callable[[User], Client]


def test_it_keeps_the_theme_and_draws_the_next_page_in_it(client_of: ClientOf, alice: User) -> None:
    client = client_of(alice)
    client.post(reverse("accounts:theme"), {"theme": "dark"})
    assert b'<html lang="en" data-theme="dark"' in client.get(reverse("dashboard")).content


def test_it_follows_the_system_until_told_otherwise(client_of: ClientOf, alice: User) -> None:
    assert b'data-theme="system"' in client_of(alice).get(reverse("dashboard")).content


def test_it_tells_the_page_to_change_at_once(client_of: ClientOf, alice: User) -> None:
    response = client_of(alice).post(reverse("accounts:theme"), {"theme": "light"}, headers={"HX-Request": "true"})
    assert response.status_code == 204
    assert json.loads(response.headers["HX-Trigger"]) == {"theme": {"value": "light"}}


def test_it_refuses_a_theme_that_does_not_exist(client_of: ClientOf, alice: User) -> None:
    assert client_of(alice).post(reverse("accounts:theme"), {"theme": "pink"}).status_code == 400
    alice.refresh_from_db()
    assert alice.theme == "system"


def test_it_changes_nothing_by_get(client_of: ClientOf, alice: User) -> None:
    assert client_of(alice).get(reverse("accounts:theme"), {"theme": "dark"}).status_code == 405


@pytest.mark.parametrize(("target", "expected"), [("/password/", "/password/"), ("https://evil.example/", "/")])
def test_it_returns_to_the_same_page_of_this_site_only(
    client_of: ClientOf, alice: User, target: str, expected: str
) -> None:
    response = client_of(alice).post(reverse("accounts:theme"), {"theme": "dark", "next": target})
    assert response.headers["Location"] == expected
