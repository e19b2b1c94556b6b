from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Team, User
from accounts.sharing import EVERYONE, PRIVATE, Visibility
from prompts import services
from prompts.drafts import Draft, Variable
from prompts.models import Prompt, PromptVersion

ClientOf = Callable[[User], Client]


def url(name: str, version: PromptVersion, *more: int) -> str:
    return reverse(f"prompts:{name}", args=[version.prompt_id, *more])


def text(response: Any) -> str:
    return str(response.content.decode())


def test_it_shows_the_newest_version_with_its_variables_marked(
    client_of: ClientOf, bob: User, triage: PromptVersion
) -> None:
    page = text(client_of(bob).get(url("prompt-detail", triage)))
    assert "Version 2" in page and "Shorter" in page and "Be brief" in page
    assert '<mark class="var" data-state="">{{ticket}}</mark>' in page


def test_it_shows_any_version(client_of: ClientOf, bob: User, triage: PromptVersion) -> None:
    page = text(client_of(bob).get(url("prompt-detail", triage) + "?version=1"))
    assert "Version 1" in page and "Be brief" not in page


def test_a_reader_is_offered_nothing_to_change(client_of: ClientOf, bob: User, triage: PromptVersion) -> None:
    page = text(client_of(bob).get(url("prompt-detail", triage)))
    assert all(url(name, triage) not in page for name in ("version-add", "label-move", "prompt-delete", "prompt-share"))


def test_an_editor_is_not_offered_what_is_the_owner_s(
    client_of: ClientOf, bob: User, triage: PromptVersion, let_edit: Callable[[PromptVersion], None]
) -> None:
    let_edit(triage)
    page = text(client_of(bob).get(url("prompt-detail", triage)))
    assert url("version-add", triage) in page and url("label-move", triage) in page
    assert url("prompt-delete", triage) not in page and url("prompt-share", triage) not in page


def test_it_tells_how_programs_read_it(client_of: ClientOf, alice: User, triage: PromptVersion) -> None:
    snippets = client_of(alice).get(url("prompt-detail", triage) + "?version=1").context["snippets"]
    assert "http://testserver/api/public/v2/prompts/support%2Ftriage?label=production" in snippets["curl"]
    assert 'get_prompt("support/triage", label="production", type="text")' in snippets["python"]
    assert 'ticket: "T-1"' in snippets["javascript"]


@pytest.mark.parametrize("language", ["python", "javascript"])
def test_what_samples_say_cannot_leave_their_quotes(language: str, client_of: ClientOf, alice: User) -> None:
    draft = Draft("{{a}}", (Variable("a", sample='"); evil("\\'),))
    version = services.create_prompt(owner=alice, name="a", type="text", draft=draft)
    code = client_of(alice).get(url("prompt-detail", version)).context["snippets"][language]
    assert '"\\"); evil(\\"\\\\"' in code


def test_it_says_what_it_includes_and_which_prompts_include_it(
    client_of: ClientOf, alice: User, bob: User, triage: PromptVersion
) -> None:
    def include(owner: User, name: str, source: str) -> PromptVersion:
        return services.create_prompt(owner=owner, name=name, type="text", draft=Draft(source), audience=EVERYONE)

    source = "@@@langfusePrompt:name=support/triage|label=production@@@"
    including = include(alice, "all", source)
    unused = include(alice, "none", "support/triage, by name alone")
    hidden = services.create_prompt(owner=bob, name="hidden", type="text", draft=Draft(source))
    client = client_of(alice)
    page = text(client.get(url("prompt-detail", triage)))
    assert including.get_absolute_url() in page
    assert unused.prompt.get_absolute_url() not in page and hidden.prompt.get_absolute_url() not in page
    assert f"{triage.prompt.get_absolute_url()}?version=1" in text(client.get(url("prompt-detail", including)))


def test_only_versions_in_use_count_as_including_it(client_of: ClientOf, alice: User, triage: PromptVersion) -> None:
    source = "@@@langfusePrompt:name=support/triage|version=1@@@"
    including = services.create_prompt(owner=alice, name="all", type="text", draft=Draft(source))
    services.save_version(prompt=including.prompt, draft=Draft("No more"), author=alice)
    client, here = client_of(alice), url("prompt-detail", triage)
    assert client.get(here).context["dependents"] == []
    services.move_label(prompt=including.prompt, label="staging", to=including, actor=alice)
    assert [found.version for found in client.get(here).context["dependents"]] == [including]


def test_an_include_that_its_reader_may_not_see_is_told_so(
    client_of: ClientOf, alice: User, bob: User, triage: PromptVersion
) -> None:
    services.create_prompt(owner=alice, name="rules", type="text", draft=Draft("Secret rule"), labels=["production"])
    draft = Draft("@@@langfusePrompt:name=rules|label=production@@@")
    services.save_version(prompt=triage.prompt, draft=draft, author=alice)
    page = text(client_of(bob).get(url("prompt-detail", triage)))
    assert "not found" in page and "Secret rule" not in page


def test_it_lists_the_last_versions_and_all_on_request(client_of: ClientOf, alice: User, triage: PromptVersion) -> None:
    for number in range(3, 13):
        services.save_version(prompt=triage.prompt, draft=Draft(f"Text {number}"), author=alice)
    client, here = client_of(alice), url("prompt-detail", triage)
    page = client.get(here)
    assert len(page.context["versions"]) == 10 and "Show all 12 versions" in text(page)
    assert len(client.get(f"{here}?all=1").context["versions"]) == 12


def test_it_changes_description_and_tags(client_of: ClientOf, alice: User, triage: PromptVersion) -> None:
    client = client_of(alice)
    sent = client.post(url("prompt-edit", triage), {"description": "Sorts", "tags": "a, b,,a"})
    prompt = Prompt.objects.get()
    assert sent.status_code == 302 and (prompt.description, prompt.tags) == ("Sorts", ["a", "b"])
    refused = client.post(url("prompt-edit", triage), {"tags": "x" * 60})
    assert refused.status_code == 422 and "at most 50 characters" in text(refused)


def test_its_owner_shares_it_and_lets_others_edit(
    client_of: ClientOf, alice: User, bob: User, team: Team, triage: PromptVersion
) -> None:
    client = client_of(alice)
    client.post(url("prompt-share", triage), {"audience": str(team.pk), "readers_may_edit": "on"})
    assert Prompt.objects.editable_by(bob).exists()
    client.post(url("prompt-share", triage), {"audience": PRIVATE.key, "readers_may_edit": "on"})
    assert Prompt.objects.get().visibility == Visibility.PRIVATE and not Prompt.objects.visible_to(bob).exists()


def test_it_is_not_shared_with_a_team_that_is_not_the_owner_s(
    client_of: ClientOf, alice: User, triage: PromptVersion
) -> None:
    other = Team.objects.create(name="Others")
    sent = client_of(alice).post(url("prompt-share", triage), {"audience": str(other.pk)})
    assert sent.status_code == 422 and Prompt.objects.get().team != other


@pytest.mark.parametrize(("on", "is_archived"), [("1", True), ("0", False)])
def test_it_is_archived_and_restored(
    on: str, is_archived: bool, client_of: ClientOf, alice: User, triage: PromptVersion
) -> None:
    services.update_prompt(prompt=triage.prompt, actor=alice, is_archived=not is_archived)
    assert client_of(alice).post(url("prompt-archive", triage), {"on": on}).status_code == 302
    assert Prompt.objects.get().is_archived is is_archived


@pytest.mark.parametrize(("name", "number"), [("prompt-delete", ()), ("version-delete", (1,))])
def test_it_is_not_deleted_while_a_label_points_there(
    name: str, number: tuple[int, ...], client_of: ClientOf, alice: User, triage: PromptVersion
) -> None:
    client, address = client_of(alice), url(name, triage, *number)
    asked, sent = client.get(address), client.post(address)
    assert sent.status_code == 422 and Prompt.objects.get().versions.count() == 2
    assert "in use" in text(asked) and "production" in text(sent)
    # The one button is to close it.
    assert '<button class="btn" data-variant="destructive">' not in text(asked)


def test_it_deletes_a_version_without_labels(client_of: ClientOf, alice: User, triage: PromptVersion) -> None:
    assert client_of(alice).post(url("version-delete", triage, 2)).status_code == 302
    assert [version.number for version in Prompt.objects.get().versions.all()] == [1]


def test_it_is_deleted_after_a_question(client_of: ClientOf, alice: User, triage: PromptVersion) -> None:
    services.move_label(prompt=triage.prompt, label="production", to=None, actor=alice)
    client, address = client_of(alice), url("prompt-delete", triage)
    assert "permanently deleted" in text(client.get(address))
    assert client.post(address).status_code == 302 and not Prompt.objects.exists()
    assert client.get(url("prompt-detail", triage)).status_code == 404
