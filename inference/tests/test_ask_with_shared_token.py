"""`manage.py ask` has the rights of the person it asks for, no more and no fewer."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from accounts.models import Membership, Team, User
from accounts.sharing import Audience, Visibility
from inference.tests.fake_provider import FakeProvider
from telemetry.models import Generation
from tokens.services import add_token

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _token_of_the_team(admin: User, team: Team, fake: FakeProvider, settings: Settings) -> None:
    settings.PROVIDER_HOSTS = ["127.0.0.1"]
    add_token(
        owner=admin,
        actor=admin,
        provider="openai",
        label="Budget",
        secret="sk-good-1234",
        base_url=fake.base_url("openai"),
        audience=Audience(Visibility.TEAM, team),
    )


def ask(email: str) -> str:
    out, names = StringIO(), ("--provider", "openai", "--model", "fake-large")
    call_command("ask", "--user", email, *names, "Hello", stdout=out, stderr=StringIO())
    return out.getvalue()


def test_it_asks_with_a_token_of_the_team(bob: User) -> None:
    assert "Hello from the fake provider" in ask(bob.email)
    generation = Generation.objects.get()
    assert (generation.user, generation.token_label) == (bob, "Budget")


def test_it_has_no_token_for_strangers_and_ex_members(bob: User, charlie: User) -> None:
    Membership.objects.filter(user=bob).delete()
    for user in (bob, charlie):
        with pytest.raises(CommandError, match="no key for this provider"):
            ask(user.email)
    assert not Generation.objects.exists()
