"""With which model a page begins."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from accounts.models import User
from inference.models import Conversation
from inference.tests.test_conversation_views import talk
from tokens.checks import TokenState
from tokens.models import ProviderToken
from tokens.services import add_token

ClientOf = Callable[[User], Client]


@pytest.fixture
def conversation(alice: User) -> Conversation:
    return talk(alice, "Heaps and stacks")


def test_it_begins_with_the_model_of_the_url(alice: User, client_of: ClientOf) -> None:
    page = client_of(alice).get(reverse("inference:chat"), {"provider": "openai", "model": "gpt-4o"})
    composer = page.context["composer"]
    assert (composer.provider, composer.model) == ("openai", "gpt-4o")


@pytest.mark.parametrize("model", ["", "x" * 201])
def test_it_overlooks_a_model_that_cannot_be(alice: User, client_of: ClientOf, model: str) -> None:
    page = client_of(alice).get(reverse("inference:chat"), {"provider": "openai", "model": model})
    assert page.context["composer"].provider == "echo"


@pytest.fixture
def token(alice: User) -> ProviderToken:
    return add_token(owner=alice, actor=None, provider="openai", label="Work", secret="sk-good-1234")


def begins_with(client: Client) -> tuple[str, str]:
    composer = client.get(reverse("inference:chat")).context["composer"]
    return composer.provider, composer.model


def test_it_begins_with_the_sandbox_where_there_is_no_token(alice: User, client_of: ClientOf) -> None:
    assert begins_with(client_of(alice)) == ("echo", "echo")


def test_it_begins_with_the_provider_of_a_token(alice: User, token: ProviderToken, client_of: ClientOf) -> None:
    assert begins_with(client_of(alice)) == ("openai", "")


def test_it_begins_with_a_listed_model(alice: User, token: ProviderToken, client_of: ClientOf) -> None:
    listing = {"models": [("gpt-4.1-mini", None), ("gpt-5-mini", None), ("gpt-5-image", None)], "error": ""}
    cache.set(f"models:{token.pk}:{token.fingerprint}", listing)
    assert begins_with(client_of(alice)) == ("openai", "gpt-5-mini")


def test_it_does_not_begin_with_a_refused_token(alice: User, token: ProviderToken, client_of: ClientOf) -> None:
    ProviderToken.objects.update(state=TokenState.REFUSED)
    assert begins_with(client_of(alice)) == ("echo", "echo")


def test_it_does_not_begin_with_a_model_whose_token_is_gone(
    alice: User, conversation: Conversation, client_of: ClientOf
) -> None:
    Conversation.objects.filter(pk=conversation.pk).update(provider="groq", model="llama")
    assert begins_with(client_of(alice)) == ("echo", "echo")


def test_it_begins_with_the_model_used_last(alice: User, conversation: Conversation, client_of: ClientOf) -> None:
    add_token(owner=alice, actor=None, provider="groq", label="Work", secret="gsk-good-1234")
    Conversation.objects.filter(pk=conversation.pk).update(provider="groq", model="llama")
    assert begins_with(client_of(alice)) == ("groq", "llama")


def test_it_lists_the_parameters_of_a_model_with_the_values_it_takes_too(alice: User, client_of: ClientOf) -> None:
    query = {"provider": "echo", "model": "echo", "param-length": "7", "param-temperature": "1"}
    headers = {"HX-Request": "true"}
    inputs = client_of(alice).get(reverse("inference:parameter-list"), query, headers=headers).context["inputs"]
    assert {item.parameter.name: item.value for item in inputs} == {"delay_ms": "", "length": "7"}
