from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import User
from accounts.sharing import EVERYONE
from prompts import services
from prompts.drafts import Draft
from prompts.models import Prompt
from prompts.tests.conftest import PROMPTS, Program

pytestmark = pytest.mark.django_db
ProgramOf = Callable[..., Program]


def create(owner: User, name: str, **values: Any) -> Prompt:
    draft = Draft("Hi", config={"number": 1})
    return services.create_prompt(owner=owner, name=name, type="text", draft=draft, **values).prompt


def revise(prompt: Prompt, number: int, *labels: str) -> None:
    draft = Draft("Hi", config={"number": number})
    services.save_version(prompt=prompt, draft=draft, author=prompt.owner, labels=labels)


def names(response: Any) -> list[str]:
    return [row["name"] for row in response.json()["data"]]


def test_it_lists_versions_and_labels(program: Program, alice: User) -> None:
    revise(create(alice, "a", labels=["production"], tags=["mail"]), 2, "staging")
    body = program.get(PROMPTS).json()
    [row] = body["data"]
    assert timezone.now().isoformat()[:10] in row.pop("lastUpdatedAt")
    assert row == {
        "name": "a",
        "type": "text",
        "versions": [1, 2],
        "labels": ["production", "staging", "latest"],
        "tags": ["mail"],
        "lastConfig": {"number": 2},
    }
    assert body["meta"] == {"page": 1, "limit": 50, "totalItems": 1, "totalPages": 1}


@pytest.mark.parametrize(
    ("label", "versions", "config"), [("production", [1], 1), ("staging", [2], 2), ("latest", [3], 3)]
)
def test_of_a_label_it_lists_the_versions_that_have_it(
    program: Program, alice: User, label: str, versions: list[int], config: int
) -> None:
    prompt = create(alice, "a", labels=["production"])
    revise(prompt, 2, "staging")
    revise(prompt, 3)
    [row] = program.get(PROMPTS, label=label).json()["data"]
    assert (row["versions"], row["lastConfig"]) == (versions, {"number": config})


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"name": "a"}, ["a"]),
        ({"tag": "mail"}, ["b"]),
        ({"label": "production"}, ["a"]),
        ({"label": "nothing"}, []),
        ({"limit": 1, "page": 2}, ["b"]),
        ({"page": 1_000_000}, []),
    ],
)
def test_it_filters_and_turns_pages(program: Program, alice: User, query: dict[str, Any], found: list[str]) -> None:
    create(alice, "a", labels=["production"])
    create(alice, "b", tags=["mail"])
    assert names(program.get(PROMPTS, **query)) == found


def test_it_filters_by_the_time_of_the_last_change(program: Program, alice: User) -> None:
    create(alice, "a")
    hour = timedelta(hours=1)
    before, after = ((timezone.now() + change).isoformat() for change in (-hour, hour))
    assert names(program.get(PROMPTS, fromUpdatedAt=before, toUpdatedAt=after)) == ["a"]
    assert names(program.get(PROMPTS, fromUpdatedAt=after)) == names(program.get(PROMPTS, toUpdatedAt=before)) == []


def test_archived_prompts_are_not_listed(program: Program, alice: User) -> None:
    services.update_prompt(prompt=create(alice, "a"), actor=alice, is_archived=True)
    assert names(program.get(PROMPTS)) == []


def test_it_lists_what_the_keys_user_sees(program_of: ProgramOf, alice: User, bob: User) -> None:
    create(alice, "a")
    create(alice, "b", audience=EVERYONE)
    assert names(program_of(bob).get(PROMPTS)) == ["b"]


def test_it_lists_the_names_that_the_key_is_for(program_of: ProgramOf, alice: User) -> None:
    for name in ("a/1", "b/1", "c/1"):
        create(alice, name)
    assert names(program_of(alice, ["prompts:read:a/", "prompts:read:c/"]).get(PROMPTS)) == ["a/1", "c/1"]
    assert program_of(alice, ["prompts:write"]).get(PROMPTS).status_code == 403


@pytest.mark.parametrize("query", [{"page": 0}, {"limit": 101}, {"page": 10**30}, {"fromUpdatedAt": "now"}])
def test_it_says_what_cannot_be_asked(program: Program, query: dict[str, Any]) -> None:
    assert program.get(PROMPTS, **query).status_code == 422


def test_a_page_takes_three_queries(program: Program, alice: User, django_assert_num_queries: Any) -> None:
    for name in "abc":
        create(alice, name)
    program.get(PROMPTS)
    with django_assert_num_queries(3):
        program.get(PROMPTS)
