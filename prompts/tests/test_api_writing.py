from __future__ import annotations

import json
from collections.abc import Callable
from threading import Barrier, Thread
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from pytest_django import Settings

from accounts.models import User
from accounts.sharing import EVERYONE
from audit.models import AuditEvent
from prompts import services
from prompts.actions import PromptsAction
from prompts.drafts import Draft, Variable
from prompts.models import Label, LabelMove, Prompt
from prompts.tests.conftest import PROMPTS, Program

pytestmark = pytest.mark.django_db
ProgramOf = Callable[..., Program]
NAME = "support/triage"
TEXT = {"name": NAME, "prompt": "Hi {{name}}"}
MESSAGES = [
    {"role": "system", "content": "Be kind to {{name}}."},
    {"type": "placeholder", "name": "history"},
]


def shared(owner: User, *, edited: bool) -> Prompt:
    draft = Draft("Hi")
    prompt = services.create_prompt(owner=owner, name=NAME, type="text", draft=draft, audience=EVERYONE).prompt
    services.share_prompt(prompt=prompt, audience=EVERYONE, readers_may_edit=edited, actor=owner)
    return prompt


def test_it_creates_a_prompt_that_is_private_to_the_keys_user(program: Program, alice: User) -> None:
    sent = TEXT | {"labels": ["production"], "tags": ["mail"], "commitMessage": "First", "config": {"a": 1}}
    response = program.post(sent)
    assert response.status_code == 201
    assert (
        sent | {"type": "text", "version": 1, "labels": ["production", "latest"]}
    ).items() <= response.json().items()
    prompt = Prompt.objects.get()
    assert (prompt.owner, prompt.visibility) == (alice, "private")
    assert AuditEvent.objects.filter(action=PromptsAction.PROMPT_CREATE, actor=alice.audit_id).count() == 1


def test_it_creates_chat_prompts(program: Program) -> None:
    response = program.post({"name": NAME, "type": "chat", "prompt": MESSAGES})
    assert response.json()["prompt"] == [{"type": "chatmessage", **MESSAGES[0]}, MESSAGES[1]]


@pytest.mark.parametrize(("shared_with", "visibility"), [("everyone", "everyone"), ("Research", "team")])
def test_it_shares_a_new_prompt_where_asked_to(program: Program, team: Any, shared_with: str, visibility: str) -> None:
    assert program.post(TEXT | {"sharedWith": shared_with}).status_code == 201
    assert Prompt.objects.get().visibility == visibility


def test_it_shares_with_no_team_that_is_not_ones_own(program_of: ProgramOf, charlie: User, team: Any) -> None:
    response = program_of(charlie).post(TEXT | {"sharedWith": "Research"})
    assert (response.status_code, response.json()["details"][0]["field"]) == (422, "sharedWith")
    assert not Prompt.objects.exists()


def test_a_name_that_exists_gets_a_new_version(program: Program) -> None:
    program.post(TEXT | {"labels": ["production"], "tags": ["mail"]})
    response = program.post(TEXT | {"prompt": "Bye", "labels": ["production"]})
    assert (response.status_code, response.json()["version"]) == (201, 2)
    assert response.json()["tags"] == ["mail"]
    assert Label.objects.get().version.number == 2


def test_tags_that_are_sent_replace_the_others(program: Program) -> None:
    program.post(TEXT | {"tags": ["mail"]})
    assert program.post(TEXT | {"tags": []}).json()["tags"] == []


def test_what_is_ours_and_not_sent_stays_as_it_was(program: Program, alice: User) -> None:
    tool = {"type": "function", "function": {"name": "search"}}
    variables = (Variable("name", default="Ada"), Variable("city"))
    draft = Draft("{{name}} in {{city}}", variables, (tool,), provider="openai", model="gpt-5")
    services.create_prompt(owner=alice, name=NAME, type="text", draft=draft)
    found = program.post(TEXT | {"model": "gpt-6"}).json()
    assert (found["provider"], found["model"], found["tools"]) == ("openai", "gpt-6", [tool])
    assert [(known["name"], known["default"]) for known in found["variables"]] == [("name", "Ada")]


def test_what_is_given_can_be_sent_back(program: Program) -> None:
    own = {"provider": "openai", "model": "gpt-5", "parameters": {"top_p": 0.5}, "responseSchema": {"type": "object"}}
    variables = [{"name": "name", "type": "choice", "default": "a", "sample": "b", "choices": ["a", "b"]}]
    first = program.post(TEXT | own | {"variables": variables}).json()
    second = program.post(first).json()
    differing = {name for name in first if first[name] != second[name]}
    assert differing == {"id", "version", "createdAt"}


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"name": "a//b"}, 422, "invalid_prompt"),
        ({"name": ""}, 422, "invalid_prompt"),
        ({"name": "x" * 201}, 422, "invalid_request"),
        ({"prompt": ""}, 422, "invalid_prompt"),
        ({"prompt": "Hi {{name"}, 422, "invalid_prompt"),
        ({"prompt": []}, 422, "invalid_prompt"),
        ({"prompt": [{"role": "king", "content": "Hi"}]}, 422, "invalid_prompt"),
        ({"prompt": [{"role": "user"}]}, 422, "invalid_request"),
        ({"prompt": 5}, 422, "invalid_request"),
        ({"prompt": [*MESSAGES, {"role": "user", "content": "{{history}}"}]}, 422, "invalid_prompt"),
        ({"prompt": "@@@langfusePrompt:name=nothing|label=production@@@"}, 409, "invalid_include"),
        ({"prompt": f"@@@langfusePrompt:name={NAME}|label=production@@@"}, 409, "invalid_include"),
        ({"prompt": "x" * 600_000}, 413, "prompt_too_large"),
        ({"prompt": "x" * 1_100_000}, 413, "body_too_large"),
        ({"prompt": "x" * 3_000_000}, 413, "body_too_large"),
        ({"type": "chat"}, 409, "wrong_type"),
        ({"type": "picture"}, 422, "invalid_request"),
        ({"labels": ["Production!"]}, 422, "label_invalid"),
        ({"labels": ["a"] * 51}, 422, "invalid_request"),
        ({"tags": ["a,b"]}, 422, "invalid_prompt"),
        ({"variables": [{"name": "a"}, {"name": "a"}]}, 422, "invalid_prompt"),
        ({"tools": [{}]}, 422, "invalid_prompt"),
        ({"responseSchema": {"type": 5}}, 422, "invalid_prompt"),
        ({"config": [1]}, 422, "invalid_request"),
        ({"config": {"a": "\0"}}, 422, "nul_character"),
        ({"config": json.loads("[" * 200 + "]" * 200)}, 422, "too_deep"),
        ({"commitMessage": "x" * 501}, 422, "invalid_request"),
        ({"sharedWith": "the moon"}, 422, "invalid_prompt"),
    ],
)
def test_it_says_what_is_wrong_and_stores_nothing(
    program: Program, change: dict[str, Any], status: int, code: str
) -> None:
    response = program.post(TEXT | change)
    assert (response.status_code, response.json()["code"]) == (status, code), response.json()
    assert response.json()["message"] and not Prompt.objects.exists()


@pytest.mark.parametrize(
    "body", ["", "{", "[]", "null", '"x"', '{"name": "a", "prompt": "\\ud800"}', '{"name": "a", "prompt": NaN}', "\xff"]
)
def test_a_body_that_is_not_json_is_refused(program: Program, body: str) -> None:
    response = Client().post(PROMPTS, body.encode("latin-1"), "application/json", headers=program.headers)
    assert response.status_code in (400, 422) and response.json()["code"] in ("invalid_json", "invalid_request")


def test_a_number_that_is_too_large_for_json_is_no_error_of_ours(program: Program) -> None:
    body = b'{"name": "a", "prompt": "Hi", "config": {"a": 1e999, "b": 123456789012345678901234567890}}'
    response = Client().post(PROMPTS, body, "application/json", headers=program.headers)
    assert response.status_code in (201, 400)


def test_a_version_of_another_type_is_refused(program: Program) -> None:
    program.post(TEXT)
    for change in ({"type": "chat", "prompt": MESSAGES}, {"prompt": MESSAGES}):
        response = program.post(TEXT | change)
        assert (response.status_code, response.json()["code"]) == (409, "wrong_type")


@pytest.mark.parametrize("name", [NAME, NAME.upper()])
def test_a_name_that_somebody_else_has_taken_is_refused(
    name: str, program_of: ProgramOf, alice: User, bob: User
) -> None:
    program_of(alice).post(TEXT)
    response = program_of(bob).post(TEXT | {"name": name})
    assert (response.status_code, response.json()["code"]) == (409, "name_taken")


@pytest.mark.django_db(transaction=True)
def test_of_two_that_create_a_prompt_at_once_the_second_adds_a_version(program: Program) -> None:
    barrier, versions = Barrier(2), []

    def post() -> None:
        barrier.wait()
        versions.append(program.post(TEXT).json().get("version"))
        connection.close()

    threads = [Thread(target=post) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(versions) == [1, 2]


@pytest.mark.parametrize(("edited", "status"), [(False, 403), (True, 201)])
def test_a_reader_adds_versions_only_where_readers_may_edit(
    program_of: ProgramOf, alice: User, bob: User, edited: bool, status: int
) -> None:
    shared(alice, edited=edited)
    assert program_of(bob).post(TEXT).status_code == status
    assert program_of(bob).patch(NAME, 1, ["staging"]).status_code == (200 if edited else 403)


@pytest.mark.parametrize("scopes", [["prompts:read"], ["prompts:write:sales/"], ["audit:read"]])
def test_a_key_without_the_scope_changes_nothing(program_of: ProgramOf, alice: User, scopes: list[str]) -> None:
    program_of(alice).post(TEXT | {"labels": ["production"]})
    program = program_of(alice, scopes)
    answers = [program.post(TEXT), program.patch(NAME, 1, ["staging"]), program.delete(NAME)]
    assert [answer.status_code for answer in answers] == [403, 403, 403]
    assert Prompt.objects.get().last_number == 1 and Label.objects.count() == 1


def test_without_a_key_nothing_is_changed(client: Client) -> None:
    assert client.post(PROMPTS, TEXT, "application/json").status_code == 401


# Labels


def test_it_adds_labels_and_keeps_those_that_are_there(program: Program, alice: User) -> None:
    program.post(TEXT | {"labels": ["production"]})
    program.post(TEXT | {"labels": ["staging"]})
    response = program.patch(NAME, 1, ["staging", "eu"])
    assert response.json()["labels"] == ["eu", "production", "staging"]
    assert LabelMove.objects.filter(label="staging", from_version=2, to_version=1, actor=alice).exists()


@pytest.mark.parametrize(
    ("name", "version", "labels", "status", "code"),
    [
        ("nothing", 1, ["a"], 404, "prompt_not_found"),
        (NAME, 9, ["a"], 404, "version_not_found"),
        (NAME, 2**31, ["a"], 422, "invalid_request"),
        (NAME, 1, ["latest"], 422, "label_latest"),
        (NAME, 1, ["good", "Not good"], 422, "label_invalid"),
    ],
)
def test_it_says_which_labels_cannot_be_added(
    program: Program, name: str, version: int, labels: list[str], status: int, code: str
) -> None:
    program.post(TEXT)
    response = program.patch(name, version, labels)
    assert (response.status_code, response.json()["code"]) == (status, code)
    assert not Label.objects.exists()


# Deleting


def test_it_deletes_a_version_and_a_prompt(program: Program) -> None:
    program.post(TEXT)
    program.post(TEXT)
    assert program.delete(NAME, version=1).status_code == 204
    assert [version.number for version in Prompt.objects.get().versions.all()] == [2]
    assert program.delete(NAME).status_code == 204
    assert not Prompt.objects.exists()
    recorded = list(AuditEvent.objects.order_by("sequence").values_list("action", flat=True))
    assert recorded[-2:] == [PromptsAction.VERSION_DELETE, PromptsAction.PROMPT_DELETE]


@pytest.mark.parametrize("query", [{}, {"version": 1}, {"label": "production"}])
def test_it_deletes_nothing_that_a_label_points_at(program: Program, query: dict[str, Any]) -> None:
    program.post(TEXT | {"labels": ["production"]})
    response = program.delete(NAME, **query)
    assert (response.status_code, response.json()["code"]) == (409, "label_in_use")
    assert Prompt.objects.get().versions.exists()


@pytest.mark.parametrize(
    ("name", "query", "status"),
    [
        ("nothing", {}, 404),
        (NAME, {"version": 9}, 404),
        (NAME, {"label": "a"}, 404),
        (NAME, {"version": 1, "label": "a"}, 400),
    ],
)
def test_it_says_what_cannot_be_deleted(program: Program, name: str, query: dict[str, Any], status: int) -> None:
    program.post(TEXT)
    assert program.delete(name, **query).status_code == status


def test_only_the_owner_deletes(program_of: ProgramOf, alice: User, bob: User, charlie: User, team: Any) -> None:
    program_of(alice).post(TEXT | {"sharedWith": "Research"})
    answers = [program_of(user).delete(NAME).status_code for user in (bob, charlie)]
    assert answers == [403, 404] and Prompt.objects.exists()


# Limits


def test_a_key_that_writes_too_often_has_to_wait(program_of: ProgramOf, alice: User, settings: Settings) -> None:
    settings.LIMIT_API_WRITES = 2
    program, other = program_of(alice), program_of(alice)
    assert [program.post(TEXT).status_code for _ in range(3)] == [201, 201, 429]
    response = program.post(TEXT)
    assert 1 <= int(response["Retry-After"]) <= 60 and response.json()["code"] == "rate_limit"
    # Reads and other keys are counted by themselves.
    assert program.read(NAME, label="latest").status_code == 200
    assert other.post(TEXT).status_code == 201
    limits = AuditEvent.objects.filter(action="accounts:limit:hit")
    assert [entry.actor for entry in limits] == [alice.audit_id]


def test_a_key_that_reads_too_often_has_to_wait(program: Program, settings: Settings) -> None:
    settings.LIMIT_API_READS = 1
    assert [program.read(NAME).status_code for _ in range(2)] == [404, 429]


def test_an_address_that_guesses_keys_has_to_wait(alice: User, program: Program) -> None:
    wrong = Program(f"{program.secret[:-4]}AAAA")
    assert {wrong.read(NAME).status_code for _ in range(30)} == {401}
    response = wrong.read(NAME)
    assert (response.status_code, response.json()["code"]) == (429, "too_many_unknown_keys")
    assert int(response["Retry-After"]) > 800


@pytest.mark.parametrize(
    ("body", "field"),
    [({"prompt": "Hi"}, "name"), ({"name": "a", "prompt": "Hi", "labels": [1]}, "labels.0")],
)
def test_it_names_a_field_as_the_program_does(program: Program, body: Any, field: str) -> None:
    response = program.post(body)
    assert (response.status_code, response.json()["details"][0]["field"]) == (422, field)


# What versions and includes that are no more, or that lead back, are answered with


def test_a_label_on_a_deleted_version_is_refused(program: Program) -> None:
    for text in ("One", "Two"):
        program.post(TEXT | {"prompt": text})
    program.delete(NAME, version=1)
    response = program.patch(NAME, 1, ["production"])
    assert (response.status_code, response.json()["code"]) == (404, "version_not_found")
    assert not Label.objects.exists()


def test_a_cycle_through_three_prompts_is_named_and_not_stored(program: Program) -> None:
    include = "@@@langfusePrompt:name={}|label=latest@@@"
    for name, text in (("a", "Hi"), ("b", include.format("a")), ("c", include.format("b"))):
        assert program.post({"name": name, "prompt": text}).status_code == 201
    response = program.post({"name": "a", "prompt": include.format("c")})
    assert (response.status_code, response.json()["code"]) == (409, "invalid_include")
    assert "a → c → b → a" in response.json()["message"]
    assert Prompt.objects.get(name="a").versions.count() == 1
