from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from prompts import services
from prompts.drafts import Draft, Variable
from prompts.models import Prompt, PromptVersion

ClientOf = Callable[[User], Client]
ADD = reverse("prompts:prompt-add")
CHAT = {
    "type": "chat", "name": "greet", "message": "First version", "tags": "a, b",
    "message-0-role": "system", "message-0-content": "You greet.\r\nBriefly.",
    "message-1-role": "placeholder", "message-1-content": "history",
    "message-2-role": "user", "message-2-content": "I am {{name}}",
    "variable-0-name": "name", "variable-0-type": "choice", "variable-0-default": "Ada", "variable-0-sample": "",
    "variable-0-choices": "Ada\r\nGrace",
}  # fmt: skip


def edit(version: PromptVersion, query: str = "") -> str:
    return reverse("prompts:version-add", args=[version.prompt_id]) + query


def save(client: Client, address: str, **fields: Any) -> Any:
    return client.post(address, {"step": "save", "message": "Change", **fields})


def test_it_creates_a_prompt(client_of: ClientOf, alice: User) -> None:
    fields = {"provider": "openai", "model": "gpt-4o", "temperature": "0.2", "parameters": '{"seed": 7}'}
    fields |= {"tools": '[{"type": "function", "function": {"name": "page"}}]', "config": '{"queue": "eu"}'}
    fields |= {"response_schema": '{"type": "object"}'}
    assert save(client_of(alice), ADD, **CHAT, **fields).status_code == 302
    version = PromptVersion.objects.get()
    assert version.draft == Draft(
        body=[
            {"type": "chatmessage", "role": "system", "content": "You greet.\nBriefly."},
            {"type": "placeholder", "name": "history"},
            {"type": "chatmessage", "role": "user", "content": "I am {{name}}"},
        ],
        variables=(Variable("name", "choice", "Ada", "", ("Ada", "Grace")),),
        tools=({"type": "function", "function": {"name": "page"}},),
        response_schema={"type": "object"},
        config={"queue": "eu"},
        provider="openai",
        model="gpt-4o",
        parameters={"temperature": 0.2, "seed": 7},
    )
    assert (version.prompt.owner, version.prompt.tags, version.message) == (alice, ["a", "b"], "First version")


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("name", "/a", "Use letters, digits"),
        ("name", "", "This field is required"),
        ("message", "", "This field is required"),
        ("message-2-content", "I am {{name", "is not closed"),
        ("message-2-content", "{{history}}", "is both a placeholder and a variable"),
        ("message-2-content", "@@@langfusePrompt:name=no|label=production@@@", "there is no such prompt"),
        ("message-1-content", "no name", "a placeholder needs a name"),
        ("variable-0-choices", "", "needs choices"),
        ("variable-0-sample", "a\0", "cannot be stored"),
        ("message-2-content", "a\0", "cannot be stored"),
        ("name", "a\0", "Null characters are not allowed"),
        ("variable-0-type", "date", "must be one of"),
        ("message-0-role", "king", "the role must be one of"),
        ("tools", "[{]", "This is not JSON"),
        ("tools", "{}", "Write a list"),
        ("tools", "[1]", "must have the form"),
        ("response_schema", '{"type": "no"}', "This is not a JSON schema"),
        ("config", "[]", "Write an object"),
        ("config", '{"a": NaN}', "too large, or is none"),
        ("config", '{"a": 1e999}', "too large, or is none"),
        ("config", '{"a": "\\u0000"}', "cannot be stored"),
        ("config", '{"\\ud800": 1}', "cannot be stored"),
        ("config", '{"a":' * 70 + "1" + "}" * 70, "nested more than"),
        ("config", '{"a":' * 100_000, "This is not JSON"),
        ("parameters", '{"temperature": 1}', "There is a field for temperature"),
        ("temperature", "hot", "Enter a number"),
        ("tags", "x" * 60, "at most 50 characters"),
        ("message-0-content", "x" * 600_000, "at most 500,000 characters"),
    ],
)  # fmt: skip
def test_it_tells_at_the_field_what_is_wrong_and_keeps_everything(
    field: str, value: str, told: str, client_of: ClientOf, alice: User
) -> None:
    page = save(client_of(alice), ADD, **CHAT | {field: value})
    assert page.status_code == 422 and not Prompt.objects.exists()
    text = page.content.decode()
    assert told in text and "Fix the errors below" in text
    assert "You greet" in text or field == "message-0-content"


def test_a_name_that_is_taken_is_told_at_the_name(client_of: ClientOf, bob: User, triage: PromptVersion) -> None:
    page = save(client_of(bob), ADD, **CHAT | {"name": "support/triage"})
    assert page.status_code == 422 and page.context["page"].details.errors["name"] == ["This name is taken."]


def test_a_new_prompt_is_chat_or_text(client_of: ClientOf, alice: User) -> None:
    client = client_of(alice)
    assert [client.get(f"{ADD}{query}").context["page"].editor.is_chat for query in ("", "?type=text")] == [True, False]


def test_it_saves_a_new_version_of_any_version(client_of: ClientOf, alice: User, triage: PromptVersion) -> None:
    client, address = client_of(alice), edit(triage, "?version=1")
    page = client.get(address).context["page"]
    assert (page.editor.text, page.newest_seen, page.next_number) == ("Sort {{ticket}}", 2, 3)
    saved = save(client, address, text="Sort it", newest_seen=2)
    assert saved.headers["Location"] == triage.prompt.get_absolute_url()
    version = triage.prompt.versions.get(number=3)
    assert (version.body, version.made_from, version.author) == ("Sort it", 1, alice)


def test_an_editor_of_the_team_saves_too(
    client_of: ClientOf, bob: User, triage: PromptVersion, let_edit: Callable[[PromptVersion], None]
) -> None:
    let_edit(triage)
    assert save(client_of(bob), edit(triage), text="Mine", newest_seen=2).status_code == 302
    assert triage.prompt.versions.get(number=3).author == bob


def test_who_saves_second_sees_both_texts_and_loses_nothing(
    client_of: ClientOf, alice: User, triage: PromptVersion
) -> None:
    client, address = client_of(alice), edit(triage)
    theirs = Draft("Sort {{ticket}}\nBe kind")
    services.save_version(prompt=triage.prompt, draft=theirs, author=alice, message="Kinder", made_from=2)
    page = save(client, address, text="Sort {{ticket}}\nBe quick", newest_seen=2)
    assert page.status_code == 409 and triage.prompt.versions.count() == 3
    text = page.content.decode()
    assert "Version 3 was saved while you were editing" in text and "Kinder" in text
    assert "<del>kind</del>" in text and "<ins>quick</ins>" in text and "Be quick</textarea>" in text
    assert save(client, address, text="Sort {{ticket}}\nBe quick", newest_seen=3).status_code == 302
    assert triage.prompt.versions.get(number=4).body == "Sort {{ticket}}\nBe quick"


def test_what_was_saved_meanwhile_is_noticed_after_further_steps_too(
    client_of: ClientOf, alice: User, triage: PromptVersion
) -> None:
    services.save_version(prompt=triage.prompt, draft=Draft("Theirs"), author=alice, made_from=2)
    page = client_of(alice).post(edit(triage), {"step": "refresh", "text": "Mine", "newest_seen": 2}).context["page"]
    assert page.newest_seen == 2


def test_a_step_saves_nothing_and_calls_nothing_wrong(client_of: ClientOf, alice: User) -> None:
    page = client_of(alice).post(ADD, {"step": "add:message", "type": "chat", "name": ""})
    assert page.status_code == 200 and "errorlist" not in page.content.decode()
    assert [message.role for message in page.context["page"].editor.messages] == ["user"]


def test_htmx_gets_the_form_alone(client_of: ClientOf, alice: User) -> None:
    page = client_of(alice).post(ADD, CHAT | {"step": "refresh"}, headers={"HX-Request": "true"})
    assert page.content.decode().lstrip().startswith('<form id="editor"')


def test_it_previews_the_text_with_samples_and_includes(
    client_of: ClientOf, alice: User, triage: PromptVersion
) -> None:
    text = "{{a}} {{b}} @@@langfusePrompt:name=support/triage|label=production@@@"
    fields = {"step": "refresh", "type": "text", "text": text, "variable-0-name": "a", "variable-0-sample": "<b>1</b>"}
    page = client_of(alice).post(ADD, fields)
    assert '<span class="filled">&lt;b&gt;1&lt;/b&gt;</span>' in page.content.decode()
    preview = page.context["page"].preview
    assert preview.missing == ["b", "ticket"] and preview.problem == ""
    assert preview.token_estimate == 8


def test_it_holds_as_many_messages_as_a_prompt_may_have(client_of: ClientOf, alice: User) -> None:
    fields = {"type": "chat", "name": "long"}
    for number in range(500):
        fields |= {f"message-{number}-role": "user", f"message-{number}-content": f"{{{{v{number}}}}}"}
        fields |= {f"message-{number}-more": "{}", f"variable-{number}-name": f"v{number}"}
        fields |= {f"variable-{number}-{name}": "" for name in ("default", "sample", "choices")}
        fields |= {f"variable-{number}-type": "text"}
    client = client_of(alice)
    more = {"message-500-role": "user", "message-500-content": "the last one"}
    page = save(client, ADD, **fields | more)
    assert page.status_code == 422 and "at most 500 messages" in page.content.decode()
    assert "the last one</textarea>" in page.content.decode()
    assert save(client, ADD, **fields).status_code == 302
    assert len(PromptVersion.objects.get().body) == 500


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"provider": "openai", "model": "gpt-4o"}, "≈ $0.0000025"),
        ({"provider": "openai", "model": "no-such"}, "no price known"),
        ({"provider": "openai", "model": "a\0"}, "no price known"),
        ({"provider": "echo", "model": "echo"}, "≈ $0.00"),
    ],
)
def test_it_tells_what_the_input_costs(fields: dict[str, str], told: str, client_of: ClientOf, alice: User) -> None:
    page = client_of(alice).post(ADD, {"step": "refresh", "type": "text", "text": "1234", **fields})
    assert told in page.content.decode()


def test_it_offers_the_text_prompts_that_its_user_sees(
    client_of: ClientOf, alice: User, charlie: User, triage: PromptVersion
) -> None:
    services.create_prompt(
        owner=alice, name="chat", type="chat", draft=Draft([{"type": "chatmessage", "role": "user", "content": "a"}])
    )
    page = client_of(alice).get(ADD)
    [(prompt, targets)] = page.context["page"].include_targets
    assert prompt == triage.prompt
    assert targets == [
        ("production (v1)", "@@@langfusePrompt:name=support/triage|label=production@@@"),
        ("latest (v2)", "@@@langfusePrompt:name=support/triage|label=latest@@@"),
        ("v2, fixed", "@@@langfusePrompt:name=support/triage|version=2@@@"),
    ]
    for client, address in ((client_of(charlie), ADD), (client_of(alice), edit(triage))):
        assert "There are no text prompts that you can include" in client.get(address).content.decode()


def test_without_a_model_there_is_no_price(client_of: ClientOf, alice: User) -> None:
    page = client_of(alice).post(ADD, {"step": "refresh", "type": "text", "text": "1234", "model": "gpt-4o"})
    assert "no price known" not in page.content.decode()


@pytest.mark.parametrize(
    "text",
    [
        "@@@langfusePrompt:name=x@@@",
        "@@@langfusePrompt:name=x|version=1@@@",
        "@@@langfusePrompt:name=\0|label=\0@@@",
        "{{",
    ],
)
def test_it_previews_what_cannot_be_saved(text: str, client_of: ClientOf, alice: User) -> None:
    page = client_of(alice).post(ADD, {"step": "refresh", "type": "text", "text": text})
    assert page.status_code == 200 and page.context["page"].preview.messages[0].source == text


def test_it_writes_a_first_version_where_all_have_been_deleted(
    client_of: ClientOf, alice: User, triage: PromptVersion
) -> None:
    prompt = triage.prompt
    services.move_label(prompt=prompt, label="production", to=None, actor=alice)
    for version in list(prompt.versions.all()):
        services.delete_version(version=version, actor=alice)
    client = client_of(alice)
    assert "No versions" in client.get(prompt.get_absolute_url()).content.decode()
    assert save(client, edit(triage), text="Again", newest_seen=2).status_code == 302
    assert prompt.versions.get().number == 3
