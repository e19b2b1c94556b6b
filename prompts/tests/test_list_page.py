from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from accounts.sharing import EVERYONE
from prompts import services
from prompts.drafts import Draft
from prompts.models import Prompt, PromptVersion

ClientOf = Callable[[User], Client]
LIST = reverse("prompts:prompt-list")


def make(owner: User, name: str, text: str = "Hello", **values: object) -> Prompt:
    return services.create_prompt(owner=owner, name=name, type="text", draft=Draft(text), **values).prompt  # type: ignore[arg-type]


@pytest.fixture
def several(alice: User, bob: User) -> None:
    make(alice, "haiku", description="Seventeen syllables")
    make(alice, "support/triage", "Sort {{ticket}}", tags=["json"], labels=["production"])
    make(alice, "support/eu/refund", "Refund it", tags=["json", "eu"], labels=["staging"])
    make(alice, "support-old/triage")
    services.update_prompt(prompt=make(alice, "support/retired"), actor=alice, is_archived=True)
    make(bob, "billing/invoice", audience=EVERYONE)
    make(bob, "secret/plan")


def listed(client: Client, query: str = "") -> list[str]:
    return [prompt.name for prompt in client.get(f"{LIST}?{query}").context["page"].rows]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("", ["haiku", "billing/invoice", "support/triage", "support-old/triage", "support/eu/refund"]),
        ("q=TRIAGE", ["support/triage", "support-old/triage"]),
        ("q=syllables", ["haiku"]),
        ("q=ticket", ["support/triage"]),
        ("folder=support", ["support/triage", "support/eu/refund"]),
        ("folder=support/eu", ["support/eu/refund"]),
        ("tag=json", ["support/triage", "support/eu/refund"]),
        ("label=production", ["support/triage"]),
        ("state=archived", ["support/retired"]),
        ("folder=secret", []),
        ("q=nothing", []),
    ],
)
def test_it_lists_what_the_user_sees_by_folder(
    query: str, names: list[str], several: None, client_of: ClientOf, alice: User
) -> None:
    assert sorted(listed(client_of(alice), query)) == sorted(names)


def test_it_puts_each_folder_in_one_place(several: None, client_of: ClientOf, alice: User) -> None:
    folders = [folder for folder, _ in client_of(alice).get(LIST).context["folders"]]
    assert folders[0] == "" and sorted(folders[1:]) == ["billing", "support", "support-old", "support/eu"]


def test_its_filters_offer_nothing_that_the_user_does_not_see(several: None, client_of: ClientOf, alice: User) -> None:
    form = client_of(alice).get(LIST).context["form"]
    choices = {name: [value for value, _ in form.fields[name].choices if value] for name in ("folder", "tag", "label")}
    assert choices == {
        "folder": ["billing", "support", "support-old", "support/eu"],
        "tag": ["eu", "json"],
        "label": ["production", "staging"],
    }


def test_it_searches_the_newest_version_alone(client_of: ClientOf, alice: User, triage: PromptVersion) -> None:
    services.save_version(prompt=triage.prompt, draft=Draft("Other words"), author=alice, made_from=2)
    client = client_of(alice)
    assert (listed(client, "q=brief"), listed(client, "q=other")) == ([], ["support/triage"])


def test_it_shows_labels_and_the_last_change(client_of: ClientOf, bob: User, triage: PromptVersion) -> None:
    page = client_of(bob).get(LIST)
    for text in ("Shorter", "Alice", "production", 'data-label="production"', ">v2</span>"):
        assert text in page.content.decode()


def test_it_reads_all_rows_at_once(
    client_of: ClientOf, alice: User, several: None, django_assert_max_num_queries: Callable[..., object]
) -> None:
    client = client_of(alice)
    with django_assert_max_num_queries(12):  # type: ignore[attr-defined]
        client.get(LIST)


def test_it_says_what_will_be_here_and_what_to_do(client_of: ClientOf, alice: User) -> None:
    page = client_of(alice).get(LIST).content.decode()
    assert "No prompts yet" in page and "/prompts/add/" in page and '<form method="get"' not in page


def test_it_says_that_the_filters_leave_nothing(client_of: ClientOf, alice: User, several: None) -> None:
    page = client_of(alice).get(f"{LIST}?q=refnd").content.decode()
    assert "No prompts match these filters" in page and "Clear filters" in page
