from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from prompts import example_sets, personal, services
from prompts.drafts import Draft, Variable
from prompts.models import ExampleSet, PromptVersion

pytestmark = pytest.mark.django_db
ClientOf = Callable[[User], Client]


@pytest.fixture
def long_one(alice: User, triage: PromptVersion) -> ExampleSet:
    return example_sets.create_example_set(
        prompt=triage.prompt, name="Long", values={"ticket": "T-2\n<b>"}, actor=alice
    )


def add(client: Client, version: PromptVersion, **fields: str) -> Any:
    return client.post(reverse("prompts:example-set-add", args=[version.prompt_id]), fields)


def address(name: str, example_set: ExampleSet) -> str:
    return reverse(f"prompts:example-set-{name}", args=[example_set.prompt_id, example_set.pk])


def test_a_set_has_values_of_the_variables(client_of: ClientOf, alice: User, triage: PromptVersion) -> None:
    client = client_of(alice)
    saved = add(client, triage, **{"name": "Short", "value-ticket": " a\r\nb", "value-unknown": "c"})
    assert saved.headers["Location"] == triage.prompt.get_absolute_url()
    example_set = ExampleSet.objects.get()
    assert (example_set.name, example_set.values) == ("Short", {"ticket": " a\nb"})
    assert "Short" in client.get(triage.prompt.get_absolute_url()).content.decode()


def test_a_value_of_a_variable_that_is_gone_stays(client_of: ClientOf, alice: User, long_one: ExampleSet) -> None:
    draft = Draft("Sort {{mail}}", (Variable("mail"),))
    services.save_version(prompt=long_one.prompt, draft=draft, author=alice)
    client = client_of(alice)
    page = client.get(address("edit", long_one)).content.decode()
    assert "Not used by the newest version" in page and "T-2" in page
    client.post(address("edit", long_one), {"name": "Mail", "value-ticket": "T-3", "value-mail": "Hi"})
    long_one.refresh_from_db()
    assert (long_one.name, long_one.values) == ("Mail", {"ticket": "T-3", "mail": "Hi"})
    assert client.post(address("delete", long_one)).status_code == 302 and not ExampleSet.objects.exists()


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"name": ""}, "This field is required"),
        ({"name": "x" * 101}, "at most 100 characters"),
        ({"name": "Long"}, "has an example set of this name"),
        ({"name": "a", "value-ticket": "x" * 100_001}, "at most 100,000 characters together"),
        ({"name": "a", "value-ticket": "\0"}, "Null characters are not allowed"),
    ],
)
def test_it_says_what_is_wrong(
    fields: dict[str, str], told: str, client_of: ClientOf, alice: User, long_one: ExampleSet, triage: PromptVersion
) -> None:
    page = add(client_of(alice), triage, **fields)
    assert page.status_code == 422 and told in page.content.decode() and ExampleSet.objects.count() == 1


def test_a_prompt_has_a_limited_number(
    client_of: ClientOf, alice: User, triage: PromptVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(example_sets, "MOST_SETS", 1)
    add(client_of(alice), triage, name="a")
    assert "at most 1 example sets" in add(client_of(alice), triage, name="b").content.decode()


def test_readers_see_them_and_editors_change_them(
    client_of: ClientOf, bob: User, charlie: User, long_one: ExampleSet, let_edit: Callable[[PromptVersion], None]
) -> None:
    client, prompt = client_of(bob), long_one.prompt
    page = client.get(prompt.get_absolute_url()).content.decode()
    assert "T-2\n&lt;b&gt;" in page and "Add set" not in page
    assert client.get(address("edit", long_one)).status_code == 404
    assert client.post(address("delete", long_one)).status_code == 404
    let_edit(prompt.versions.get(number=2))
    assert client.get(address("edit", long_one)).status_code == 200
    assert client_of(charlie).get(address("edit", long_one)).status_code == 404


def test_a_set_of_another_prompt_is_not_there(client_of: ClientOf, alice: User, long_one: ExampleSet) -> None:
    other = services.create_prompt(owner=alice, name="other", type="text", draft=Draft("Hi")).prompt
    answer = client_of(alice).get(reverse("prompts:example-set-edit", args=[other.pk, long_one.pk]))
    assert answer.status_code == 404


@pytest.mark.parametrize(
    ("chosen", "values", "missing"),
    [("", ["T-1"], []), ("set", ["T-2\n<b>"], ["other"]), ("999", ["T-1"], []), ("x", ["T-1"], [])],
)
def test_the_preview_is_filled_with_the_set(
    chosen: str, values: list[str], missing: list[str], client_of: ClientOf, alice: User, long_one: ExampleSet
) -> None:
    fields = {"step": "refresh", "text": "{{ticket}}", "variable-0-name": "ticket", "variable-0-sample": "T-1"}
    if missing:
        fields |= {"text": "{{ticket}}{{other}}", "variable-1-name": "other", "variable-1-sample": "no default"}
    fields["examples"] = str(long_one.pk) if chosen == "set" else chosen
    page = client_of(alice).post(reverse("prompts:version-add", args=[long_one.prompt_id]), fields)
    preview = page.context["page"].preview
    assert [piece.value for piece in preview.messages[0].pieces if piece.value] == values
    assert preview.missing == missing


def test_they_are_part_of_personal_data(alice: User, bob: User, long_one: ExampleSet) -> None:
    [row] = [row for row in personal.export(alice) if row["kind"] == "example_set"]
    assert (row["name"], row["prompt"], row["values"]) == ("Long", "support/triage", {"ticket": "T-2\n<b>"})
    assert not any(row["kind"] == "example_set" for row in personal.export(bob))
