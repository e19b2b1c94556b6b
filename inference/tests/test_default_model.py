from __future__ import annotations

from collections.abc import Callable

import pytest
from django.core.cache import cache
from django.test import Client

from accounts.models import User
from inference.chat.composer import new_composer
from inference.models import Conversation

ClientOf = Callable[[User], Client]
PROFILE = "/account/profile/"
FORM = {"name": "", "time_zone": "UTC", "theme": "system"}


@pytest.fixture
def listed(db: None) -> None:
    """The sandbox has been asked for its models."""
    cache.set("models:echo", {"models": [["echo", None], ["echo-slow", None]], "error": ""})


@pytest.mark.usefixtures("listed")
def test_a_new_chat_begins_with_the_default_model(client_of: ClientOf, alice: User) -> None:
    Conversation.objects.create(owner=alice, title="Last", provider="echo", model="echo")
    assert client_of(alice).post(PROFILE, FORM | {"default_model": "echo/echo-slow"}).status_code == 302
    alice.refresh_from_db()
    composer = new_composer(alice)
    assert (composer.provider, composer.model) == ("echo", "echo-slow")


def test_it_offers_models_that_were_used(client_of: ClientOf, alice: User) -> None:
    Conversation.objects.create(owner=alice, title="Old", provider="openai", model="org/gpt-x")
    assert client_of(alice).post(PROFILE, FORM | {"default_model": "openai/org/gpt-x"}).status_code == 302
    alice.refresh_from_db()
    assert (alice.default_provider, alice.default_model) == ("openai", "org/gpt-x")


def test_it_offers_no_models_that_others_used(client_of: ClientOf, alice: User, bob: User) -> None:
    Conversation.objects.create(owner=bob, title="Old", provider="openai", model="secret-model")
    assert "secret-model" not in client_of(alice).get(PROFILE).content.decode()


@pytest.mark.parametrize("provider", ["openai", "no-such-provider"])
def test_a_default_that_cannot_be_used_is_passed_over(alice: User, provider: str) -> None:
    alice.default_provider, alice.default_model = provider, "gpt"
    composer = new_composer(alice)
    assert (composer.provider, composer.model) == ("echo", "echo")
