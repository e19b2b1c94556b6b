"""Search on the command line and by the API."""

from __future__ import annotations

import json
from collections.abc import Callable
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from accounts.models import User
from accounts.profile import api_keys
from inference.search.tests.conftest import AddCall

Index = Callable[[], int]


def printed(*arguments: str) -> str:
    out = StringIO()
    call_command("search", *arguments, stdout=out)
    return out.getvalue()


def test_the_command_prints_what_the_user_may_see(alice: User, bob: User, add_call: AddCall, index: Index) -> None:
    add_call(alice, "How do refunds work?")
    add_call(bob, "My refunds are secret.")
    index()
    assert "How do refunds work?" in printed("refunds", "--user", alice.email)
    assert "secret" not in printed("refunds", "--user", alice.email)
    found = json.loads(printed("refunds", "--user", alice.email, "--json"))
    assert [hit["kind"] for hit in found["results"]] == ["call"]


def test_the_command_refuses_a_user_that_there_is_not(db: None) -> None:
    with pytest.raises(CommandError):
        printed("refunds", "--user", "nobody@example.org")


def test_the_api_searches_for_a_key_with_the_scope(alice: User, bob: User, add_call: AddCall, index: Index) -> None:
    call = add_call(alice, "How do refunds work?")
    add_call(bob, "How do refunds work?")
    index()
    _, secret = api_keys.create(expires_at=None, user=alice, label="Search", scopes=["search:read"])
    answer = Client().get("/api/search", {"q": "refunds"}, headers={"Authorization": f"Bearer {secret}"})
    assert [hit["id"] for hit in answer.json()["data"]] == [str(call.pk)]
    assert {"text": "refunds", "marked": True} in answer.json()["data"][0]["snippet"]


def test_the_api_refuses_keys_without_the_scope_and_nonsense(alice: User) -> None:
    _, other = api_keys.create(expires_at=None, user=alice, label="Prompts", scopes=["prompts:read"])
    _, secret = api_keys.create(expires_at=None, user=alice, label="Search", scopes=["search:read"])
    client = Client()
    assert client.get("/api/search", {"q": "x"}, headers={"Authorization": f"Bearer {other}"}).status_code == 403
    assert client.get("/api/search", {"q": "x"}).status_code == 401
    bad = client.get("/api/search", {"q": "x", "limit": "0"}, headers={"Authorization": f"Bearer {secret}"})
    assert bad.status_code == 422


def test_reindexing_finds_everything_again(alice: User, add_call: AddCall) -> None:
    add_call(alice, "How do refunds work?")
    call_command("reindex_search", "--from-nothing", stdout=StringIO())
    assert "How do refunds work?" in printed("refunds", "--user", alice.email)
