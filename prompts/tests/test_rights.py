"""Who gets which page of a prompt that alice owns, that her team reads, and that charlie may not see."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from prompts.models import Prompt, PromptVersion

ClientOf = Callable[[User], Client]
READ = ("prompt-detail", "version-compare", "label-history")
EDIT = ("version-add", "label-move", "prompt-edit")
OWN = ("prompt-share", "prompt-delete", "version-delete")


def url(name: str, version: PromptVersion) -> str:
    number = [version.number] if name == "version-delete" else []
    return reverse(f"prompts:{name}", args=[version.prompt_id, *number])


def opened(client: Client, version: PromptVersion) -> set[str]:
    answers = {name: client.get(url(name, version)).status_code for name in READ + EDIT + OWN}
    assert set(answers.values()) <= {200, 404}
    return {name for name, status in answers.items() if status == 200}


def test_its_owner_opens_every_page(client_of: ClientOf, alice: User, triage: PromptVersion) -> None:
    assert opened(client_of(alice), triage) == {*READ, *EDIT, *OWN}


def test_a_reader_opens_those_that_change_nothing(client_of: ClientOf, bob: User, triage: PromptVersion) -> None:
    assert opened(client_of(bob), triage) == {*READ}


def test_an_editor_opens_all_but_the_owner_s(
    client_of: ClientOf, bob: User, triage: PromptVersion, let_edit: Callable[[PromptVersion], None]
) -> None:
    let_edit(triage)
    assert opened(client_of(bob), triage) == {*READ, *EDIT}


def test_for_strangers_there_is_no_such_prompt(
    client_of: ClientOf, charlie: User, admin: User, triage: PromptVersion
) -> None:
    assert opened(client_of(charlie), triage) == opened(client_of(admin), triage) == set()


def test_visitors_log_in_first(client: Client, triage: PromptVersion) -> None:
    for name in (*READ, *EDIT, *OWN):
        assert client.get(url(name, triage)).headers["Location"].startswith("/login/")


@pytest.mark.parametrize("name", [*EDIT, *OWN, "prompt-archive"])
def test_who_may_not_change_it_cannot_send_it_either(
    name: str, client_of: ClientOf, bob: User, charlie: User, triage: PromptVersion
) -> None:
    sent = {"label": "production", "version": 2, "reason": "x", "on": "1", "audience": "everyone", "step": "save"}
    for user in (bob, charlie):
        assert client_of(user).post(url(name, triage), sent).status_code == 404
    prompt = Prompt.objects.get()
    assert (prompt.versions.count(), prompt.is_archived, prompt.labels.get().version.number) == (2, False, 1)


@pytest.mark.parametrize("name", [*READ, "prompt-archive"])
def test_it_refuses_other_methods(name: str, client_of: ClientOf, alice: User, triage: PromptVersion) -> None:
    client = client_of(alice)
    method = client.get if name == "prompt-archive" else client.post
    assert method(url(name, triage)).status_code == 405


@pytest.mark.parametrize("number", ["0", "9", "x", "²", "1" * 30])
@pytest.mark.parametrize("name", ["prompt-detail", "version-add"])
def test_there_is_no_page_of_a_version_that_is_not_there(
    name: str, number: str, client_of: ClientOf, alice: User, triage: PromptVersion
) -> None:
    assert client_of(alice).get(url(name, triage), {"version": number}).status_code == 404
