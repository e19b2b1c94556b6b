"""The endpoint that a conversation and a panel remember, and what is said when it is gone."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

import pytest
from django.test import Client

from accounts.models import User
from accounts.sharing import EVERYONE, share
from inference.actions import InferenceAction
from inference.models import Conversation
from inference.playground.services import create_playground
from prompts.drafts import Draft
from tokens.models import ProviderToken
from tokens.services import add_token, delete_token

ClientOf = Callable[[User], Client]
GONE = "The endpoint of this conversation is gone"

pytestmark = pytest.mark.django_db


def key_of(owner: User, fake_url: str = "http://127.0.0.1:9/v1", label: str = "vLLM gpu-1") -> ProviderToken:
    return add_token(owner=owner, actor=None, provider="compatible", label=label, secret="", base_url=fake_url)


def conversation_at(token: ProviderToken, owner: User) -> Conversation:
    return Conversation.objects.create(
        owner=owner, title="Mine", provider=token.provider, model="llama", token_id=token.pk
    )


def test_a_conversation_shows_its_endpoint(alice: User, client_of: ClientOf) -> None:
    key_of(alice, label="Ollama")
    chosen = key_of(alice)
    page = client_of(alice).get(conversation_at(chosen, alice).get_absolute_url()).content.decode()
    assert f'name="endpoint" value="{chosen.pk}"' in page
    assert "vLLM gpu-1" in page and GONE not in page


def test_a_new_conversation_begins_at_the_endpoint_of_the_last_one(alice: User, client_of: ClientOf) -> None:
    key_of(alice, label="Ollama")
    chosen = key_of(alice)
    conversation_at(chosen, alice)
    assert f'name="endpoint" value="{chosen.pk}"' in client_of(alice).get("/chat/").content.decode()


def test_it_says_that_an_endpoint_is_gone_and_offers_the_default(alice: User, client_of: ClientOf) -> None:
    key_of(alice, label="Ollama")
    chosen = key_of(alice)
    conversation = conversation_at(chosen, alice)
    delete_token(token=chosen, actor=None)
    page = client_of(alice).get(conversation.get_absolute_url()).content.decode()
    assert GONE in page and "Use Ollama" in page


def test_it_names_no_key_of_others(alice: User, bob: User, client_of: ClientOf) -> None:
    conversation = conversation_at(key_of(bob, label="Secret lab"), bob)
    share(conversation, audience=EVERYONE, actor=bob, action=InferenceAction.CONVERSATION_SHARE)
    assert "Secret lab" not in client_of(alice).get(conversation.get_absolute_url()).content.decode()


def test_a_panel_keeps_its_endpoint(alice: User, client_of: ClientOf) -> None:
    chosen = key_of(alice)
    draft = Draft([{"type": "chatmessage", "role": "user", "content": "Hi"}])
    panel = create_playground(owner=alice, title="Test", draft=draft, values={}).panels.get()
    url = f"/playground/{panel.playground_id}/panels/{panel.pk}/"
    client = client_of(alice)
    message = {"message-0-role": "user", "message-0-content": "Hi"}
    sent = {"provider": "compatible", "model": "llama", "endpoint": str(chosen.pk), "repetitions": "1", **message}
    assert client.post(url, sent).status_code == 200
    panel.refresh_from_db()
    assert panel.token_id == chosen.pk
    assert "vLLM gpu-1" in client.get(panel.playground.get_absolute_url()).content.decode()
    delete_token(token=chosen, actor=None)
    assert "Endpoint is gone" in client.get(panel.playground.get_absolute_url()).content.decode()


def test_a_backtest_goes_to_a_key_that_its_owner_may_use(alice: User, client_of: ClientOf) -> None:
    sent = {"provider": "compatible", "model": "llama", "endpoint": str(uuid4()), "sample": "5", "budget_usd": "1"}
    page = client_of(alice).post("/backtests/add/", {**sent, "parallel": "2"})
    assert page.status_code == 422 and "endpoint is gone" in page.content.decode()
