from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import ApiKey, User
from accounts.profile import api_keys
from accounts.sharing import EVERYONE, Audience, Visibility
from audit.models import AuditEvent
from prompts import services
from prompts.drafts import Draft
from prompts.models import LabelMove, PromptVersion
from prompts.tests.conftest import PROMPTS, Program, path_of

pytestmark = pytest.mark.django_db
ProgramOf = Callable[..., Program]
NAME = "support/triage"
CHAT = [
    {"type": "chatmessage", "role": "system", "content": "Be kind to {{name}}."},
    {"type": "placeholder", "name": "history"},
]


def create(owner: User, name: str = NAME, body: Any = "Hi {{name}}", **values: Any) -> PromptVersion:
    kind = "text" if isinstance(body, str) else "chat"
    values = {"labels": ["production"], **values}
    return services.create_prompt(owner=owner, name=name, type=kind, draft=Draft(body), **values)


def revise(version: PromptVersion, body: str, labels: tuple[str, ...] = ()) -> PromptVersion:
    author = version.prompt.owner
    return services.save_version(prompt=version.prompt, draft=Draft(body), author=author, labels=labels)


def test_it_gives_the_version_in_production(program: Program, alice: User) -> None:
    version = create(alice, message="First", tags=["mail"])
    revise(version, "Bye")
    response = program.read(NAME)
    expected = {"type": "text", "name": NAME, "version": 1, "prompt": "Hi {{name}}", "config": {}, "tags": ["mail"]}
    expected |= {"labels": ["production"], "commitMessage": "First", "resolutionGraph": None}
    assert response.status_code == 200 and response["Content-Type"] == "application/json"
    assert expected.items() <= response.json().items()
    assert response.json()["id"] == str(version.pk)


def test_it_takes_both_halves_of_a_key_by_basic_auth(alice: User) -> None:
    create(alice)
    key, secret = api_keys.create(user=alice, label="CI", expires_at=None, scopes=["prompts:read"])
    pair = base64.b64encode(f"{key.prefix}:{secret}".encode()).decode()
    assert Client().get(path_of(NAME), headers={"Authorization": f"Basic {pair}"}).status_code == 200


def test_the_name_may_come_with_its_slashes(program: Program, alice: User) -> None:
    create(alice)
    assert program.get(f"{PROMPTS}/{NAME}").json()["name"] == NAME


@pytest.mark.parametrize("name", ["a/versions/3", "a/versions/007", "Größe/日本", "a b/c", "versions"])
def test_any_name_is_found(program: Program, alice: User, name: str) -> None:
    create(alice, name)
    assert program.read(name).json()["name"] == name


@pytest.mark.parametrize(
    ("query", "number", "labels"),
    [
        ({"version": 1}, 1, ["production"]),
        ({"version": 2}, 2, ["staging"]),
        ({"label": "staging"}, 2, ["staging"]),
        ({"label": "latest"}, 3, ["latest"]),
        ({}, 1, ["production"]),
    ],
)
def test_it_finds_a_version_by_number_and_label(
    program: Program, alice: User, query: dict[str, Any], number: int, labels: list[str]
) -> None:
    first = create(alice)
    revise(first, "Second", ("staging",))
    revise(first, "Third")
    found = program.read(NAME, **query).json()
    assert (found["version"], found["labels"]) == (number, labels)


@pytest.mark.parametrize(
    ("name", "query", "code"),
    [
        ("nothing", {}, "prompt_not_found"),
        (NAME, {"label": "staging"}, "version_not_found"),
        (NAME, {"version": 2}, "version_not_found"),
        (NAME, {"at": "2001-01-01T00:00Z"}, "version_not_found"),
        (NAME, {"at": "0058-04-16T14:15:44+23:46"}, "version_not_found"),
        (NAME, {"label": "latest", "at": "2001-01-01T00:00Z"}, "version_not_found"),
    ],
)
def test_what_is_missing_is_not_found_and_nothing_is_given_instead(
    program: Program, alice: User, name: str, query: dict[str, str], code: str
) -> None:
    create(alice)
    response = program.read(name, **query)
    assert response.status_code == 404
    assert response.json().keys() == {"message", "error", "code"}
    assert (response.json()["error"], response.json()["code"]) == ("Not Found", code)


def test_a_prompt_without_production_is_not_found_by_default(program: Program, alice: User) -> None:
    create(alice, labels=["staging"])
    assert program.read(NAME).status_code == 404


@pytest.mark.parametrize(
    ("label", "then", "labels"), [("production", 1, ["production"]), ("latest", 1, ["production"])]
)
def test_it_reads_what_a_label_named_at_some_time(
    program: Program, alice: User, label: str, then: int, labels: list[str]
) -> None:
    first = create(alice)
    moment = timezone.now()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(timezone, "now", lambda: moment + timedelta(hours=2))
        second = revise(first, "Second")
    # The database's clock stands still within a test.
    LabelMove.objects.create(
        prompt=first.prompt, label="production", from_version=1, to_version=2, at=moment + timedelta(hours=2)
    )
    at = (moment + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    found = program.read(NAME, label=label, at=at).json()
    assert (found["version"], found["labels"]) == (then, labels)
    later = program.read(NAME, label=label, at=(moment + timedelta(hours=3)).isoformat()).json()
    assert later["version"] == second.number


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"version": 1, "label": "production"}, 400),
        ({"version": 1, "at": "2026-01-01T00:00Z"}, 400),
        ({"version": "0"}, 422),
        ({"version": "x"}, 422),
        ({"version": str(2**31)}, 422),
        ({"at": "yesterday"}, 422),
        ({"at": "2026-01-01T00:00"}, 422),
        ({"at": "0.5"}, 422),
        ({"at": "-62135596801"}, 422),
        ({"at": "0001-01-01T00:00+23:00"}, 422),
        ({"resolve": "perhaps"}, 422),
        ({"label": "x" * 51}, 422),
    ],
)
def test_it_says_what_cannot_be_asked(program: Program, alice: User, query: dict[str, Any], status: int) -> None:
    create(alice)
    response = program.read(NAME, **query)
    assert response.status_code == status and response.json()["message"]


def test_it_gives_messages_and_placeholders(program: Program, alice: User) -> None:
    create(alice, body=CHAT)
    found = program.read(NAME).json()
    assert (found["type"], found["prompt"]) == ("chat", CHAT)


def test_it_gives_what_else_belongs_to_a_version(program: Program, alice: User) -> None:
    draft = Draft("Hi", config={"a": [1, None]}, provider="openai", model="gpt-5", parameters={"temperature": 0.5})
    services.create_prompt(owner=alice, name=NAME, type="text", draft=draft, labels=["production"])
    expected = {"config": {"a": [1, None]}, "provider": "openai", "model": "gpt-5", "parameters": {"temperature": 0.5}}
    assert expected.items() <= program.read(NAME).json().items()


INCLUDING = "@@@langfusePrompt:name=tone|label=production@@@ Sort this."


def test_it_puts_in_what_a_prompt_includes(program: Program, alice: User) -> None:
    create(alice, "tone", "Be brief.")
    create(alice, body=INCLUDING)
    found = program.read(NAME).json()
    assert found["prompt"] == "Be brief. Sort this."
    dependencies = {NAME: [{"name": "tone", "version": 1}]}
    assert found["resolutionGraph"] == {"root": {"name": NAME, "version": 1}, "dependencies": dependencies}


def test_it_leaves_includes_alone_where_asked_to(program: Program, alice: User) -> None:
    create(alice, "tone", "Be brief.")
    create(alice, body=INCLUDING)
    found = program.read(NAME, resolve="false").json()
    assert (found["prompt"], found["resolutionGraph"]) == (INCLUDING, None)


def test_an_include_that_is_out_of_reach_is_named(
    program: Program, program_of: ProgramOf, alice: User, bob: User
) -> None:
    tone = create(alice, "tone", "Be brief.")
    create(alice, body=INCLUDING, audience=EVERYONE)
    response = program_of(bob).read(NAME)
    assert (response.status_code, response.json()["code"]) == (409, "invalid_include")
    assert "tone" in response.json()["message"] and "Be brief" not in response.content.decode()
    services.share_prompt(prompt=tone.prompt, audience=EVERYONE, readers_may_edit=False, actor=alice)
    assert program_of(bob).read(NAME).status_code == 200


def test_a_key_for_some_names_includes_no_others(program_of: ProgramOf, alice: User) -> None:
    create(alice, "tone", "Be brief.")
    create(alice, body=INCLUDING)
    assert program_of(alice, ["prompts:read:support/"]).read(NAME).status_code == 409
    assert program_of(alice, ["prompts:read:support/", "prompts:read:tone"]).read(NAME).status_code == 200


# Rights


def test_a_private_prompt_is_its_owners_alone(program_of: ProgramOf, alice: User, bob: User, admin: User) -> None:
    create(alice)
    answers = [program_of(user).read(NAME).status_code for user in (alice, bob, admin)]
    assert answers == [200, 404, 404]


def test_a_team_reads_what_is_shared_with_it(
    program_of: ProgramOf, alice: User, bob: User, charlie: User, team: Any
) -> None:
    create(alice, audience=Audience(Visibility.TEAM, team))
    assert [program_of(user).read(NAME).status_code for user in (bob, charlie)] == [200, 404]
    team.memberships.filter(user=bob).delete()
    assert program_of(bob).read(NAME).status_code == 404


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer x"}, {"Authorization": "Basic ???"}])
def test_without_a_key_nothing_is_read(client: Client, alice: User, headers: dict[str, str]) -> None:
    create(alice, audience=EVERYONE)
    response = client.get(path_of(NAME), headers=headers)
    assert (response.status_code, response.json()["code"]) == (401, "invalid_key")
    assert response["WWW-Authenticate"].startswith("Basic")


def test_a_log_in_is_no_key(client_of: Callable[[User], Client], alice: User) -> None:
    create(alice)
    assert client_of(alice).get(path_of(NAME)).status_code == 401


@pytest.mark.parametrize(
    "end",
    [
        lambda alice: ApiKey.objects.update(expires_at=timezone.now()),
        lambda alice: ApiKey.objects.all().delete(),
        lambda alice: User.objects.filter(pk=alice.pk).update(is_active=False),
    ],
)
def test_a_key_that_has_ended_opens_nothing(program: Program, alice: User, end: Callable[[User], Any]) -> None:
    create(alice)
    assert program.read(NAME).status_code == 200
    end(alice)
    assert program.read(NAME).status_code == 401


@pytest.mark.parametrize("scopes", [["prompts:write"], ["audit:read"], ["prompts:read:sales/"]])
def test_a_key_of_another_scope_reads_nothing(program_of: ProgramOf, alice: User, scopes: list[str]) -> None:
    create(alice)
    response = program_of(alice, scopes).read(NAME)
    assert (response.status_code, response.json()["code"]) == (403, "missing_scope")


# What it costs


def test_a_warm_read_takes_two_queries(program: Program, alice: User, django_assert_num_queries: Any) -> None:
    create(alice)
    program.read(NAME)
    with django_assert_num_queries(2):
        program.read(NAME)


def test_reads_leave_one_entry_a_minute(program: Program, alice: User) -> None:
    create(alice)
    before = AuditEvent.objects.count()
    for _ in range(3):
        program.read(NAME)
    assert AuditEvent.objects.count() == before + 1


def test_what_has_not_changed_is_not_sent_again(program: Program, alice: User) -> None:
    first = create(alice)
    response = program.read(NAME)
    assert response["Cache-Control"] == "private, no-cache" and "Authorization" in response["Vary"]
    headers = {**program.headers, "If-None-Match": response["ETag"]}
    again = Client().get(path_of(NAME), headers=headers)
    assert (again.status_code, again.content, again["ETag"]) == (304, b"", response["ETag"])
    revise(first, "Second", ("production",))
    changed = Client().get(path_of(NAME), headers=headers)
    assert (changed.status_code, changed.json()["version"]) == (200, 2)


def test_an_answer_names_no_cookie_and_no_page(program: Program, alice: User) -> None:
    create(alice)
    response = program.read(NAME)
    assert not response.cookies and response["X-Content-Type-Options"] == "nosniff"
    assert response["X-Request-ID"]
