"""Who has read or used a prompt lately, and who sees that."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import ApiKey, User
from prompts import callers
from prompts.callers import note_read
from prompts.models import KeyRead, PromptVersion
from prompts.personal import export

if TYPE_CHECKING:
    from prompts.tests.conftest import Program

NAME = "support/triage"
ClientOf = Callable[[User], Client]


def page(client: Client, version: PromptVersion) -> str:
    return client.get(version.prompt.get_absolute_url()).content.decode()


def test_a_read_is_noted_with_what_was_asked_for(program: Program, triage: PromptVersion) -> None:
    program.read(NAME)
    program.read(NAME, label="latest")
    read = KeyRead.objects.get()
    assert (read.key, read.prompt, read.label, read.version) == (ApiKey.objects.get(), triage.prompt, "production", 1)


def test_a_later_read_takes_the_place_of_the_one_before(
    program: Program, triage: PromptVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(callers, "NOTE_EVERY_SECONDS", 0)
    program.read(NAME)
    program.read(NAME, version=2)
    read = KeyRead.objects.get()
    assert (read.label, read.version) == ("", 2)


def test_a_prompt_that_is_missing_is_not_noted(program: Program) -> None:
    assert program.read("nothing").status_code == 404
    assert not KeyRead.objects.exists()


def test_a_read_through_litellm_is_noted(program: Program, triage: PromptVersion) -> None:
    program.get("/beta/litellm_prompt_management", prompt_id=NAME, label="latest")
    assert KeyRead.objects.get().label == "latest"


@pytest.mark.django_db(transaction=True)
def test_a_key_that_is_gone_meanwhile_stops_no_read(triage: PromptVersion, alice: User) -> None:
    gone = ApiKey(pk=2**40, user=alice, label="x", prefix="ais_x")
    note_read(key=gone, prompt_id=uuid4(), label="production", version=1)


def test_the_page_names_the_keys(program: Program, triage: PromptVersion, client_of: ClientOf, alice: User) -> None:
    program.read(NAME)
    text = page(client_of(alice), triage)
    assert "API key CI" in text and "read production, " in text


def test_the_page_says_that_nobody_has_used_it(
    program: Program, triage: PromptVersion, client_of: ClientOf, alice: User
) -> None:
    program.read(NAME)
    KeyRead.objects.update(at=timezone.now() - timedelta(days=31))
    assert "No API key has read this prompt" in page(client_of(alice), triage)


def test_readers_who_may_not_edit_are_not_told(
    triage: PromptVersion, client_of: ClientOf, bob: User, admin: User, let_edit: Callable[[PromptVersion], None]
) -> None:
    assert "Last callers" not in page(client_of(bob), triage)
    let_edit(triage)
    assert "Last callers" in page(client_of(bob), triage)


def test_what_a_users_keys_have_read_is_exported(program: Program, triage: PromptVersion, alice: User) -> None:
    program.read(NAME)
    [row] = [row for row in export(alice) if row["kind"] == "prompt_read"]
    assert (row["prompt"], row["version"], row["api_key"]) == (NAME, 1, ApiKey.objects.get().prefix)
