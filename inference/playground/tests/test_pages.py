"""The pages: what is typed is stored, what cannot be is said where it was typed."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

import pytest
from django.test import Client

from accounts.models import User
from accounts.personal_data.erasure import erase_user
from inference.attachments.checks import check
from inference.attachments.services import attach, delete_unneeded, store_file
from inference.models import Conversation, Message, StoredFile
from inference.playground.models import MOST_PANELS, Playground
from inference.playground.origins import EARLIER_FILES, FILES_GONE
from inference.playground.rounds import start_round
from inference.playground.services import save_files, save_values
from inference.tests import files
from prompts.drafts import Draft, Variable
from prompts.example_sets import create_example_set
from prompts.models import ExampleSet
from prompts.services import create_prompt, delete_prompt
from telemetry.context import SentMessage, canonical
from telemetry.models import Generation, GenerationContent
from telemetry.services import NewCall, start_generation
from tokens.services import add_token

pytestmark = pytest.mark.django_db
ClientOf = Callable[[User], Client]


def panel_form(**changes: str) -> dict[str, str]:
    return {
        "provider": "echo",
        "model": "echo",
        "repetitions": "1",
        "message-0-role": "user",
        "message-0-content": "Hi {{name}}",
        "tools": "",
        "response_schema": "",
        **changes,
    }


def a_call(user: User, sent: list[SentMessage]) -> Generation:
    call = NewCall(provider="echo", model="echo", parameters={}, sent=sent, process_id=1)
    return start_generation(user=user, call=call)


def save(client: Client, playground: Playground, **changes: str) -> str:
    panel = playground.panels.all()[0]
    path = f"/playground/{playground.pk}/panels/{panel.pk}/"
    return client.post(path, panel_form(**changes), headers={"HX-Request": "true"}).content.decode()


def test_a_new_one_begins_with_the_sandbox_where_there_is_no_token(alice: User, client_of: ClientOf) -> None:
    client = client_of(alice)
    assert "No playgrounds yet" in client.get("/playground/").content.decode()
    page = client.post("/playground/add/", follow=True)

    assert page.status_code == 200
    panel = Playground.objects.get(owner=alice).panels.get()
    assert (panel.provider, panel.model) == ("echo", "echo")
    assert "Untitled" in client.get("/playground/").content.decode()


def test_what_is_typed_is_stored_and_its_variables_are_asked_for(
    alice: User, playground: Playground, client_of: ClientOf
) -> None:
    client = client_of(alice)
    answer = save(client, playground, **{"param-length": "5", "repetitions": "4", "tools": "[]"})

    panel = playground.panels.all()[0]
    assert panel.body == [{"type": "chatmessage", "role": "user", "content": "Hi {{name}}"}]
    assert (panel.parameters, panel.repetitions) == ({"length": 5}, 4)
    assert 'name="value-name"' in answer and ">Saved<" in answer


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"repetitions": "11"}, "Answers per run:"),
        ({"tools": "{"}, "Tools: This is not JSON"),
        ({"tools": '[{"type": "function"}]'}, "Tools: Tool 1 must have the form"),
        ({"response_schema": '{"type": 7}'}, "Response schema: This is not a JSON schema"),
        ({"param-length": "-1"}, "Length"),
        ({"message-0-content": "Hi {{name"}, "is not closed"),
        ({"provider": "nobody"}, "Provider"),
    ],
)
def test_what_cannot_be_stored_is_said_and_changes_nothing(
    changes: dict[str, str], said: str, alice: User, playground: Playground, client_of: ClientOf
) -> None:
    before = playground.panels.values().first()
    answer = save(client_of(alice), playground, **changes)

    assert said.replace("“", "&#x27;") in answer or said in answer
    assert "Not saved" in answer
    assert playground.panels.values().first() == before


def test_messages_are_added_moved_and_removed(alice: User, playground: Playground, client_of: ClientOf) -> None:
    client = client_of(alice)
    save(client, playground, step="add:placeholder", **{"message-1-role": "assistant", "message-1-content": "Yes"})
    roles = [message.get("role") for message in playground.panels.all()[0].body]
    assert roles == ["user", "assistant"]  # A placeholder without a name is not stored yet.
    save(client, playground, step="remove:0", **{"message-1-role": "assistant", "message-1-content": "Yes"})
    assert [message["role"] for message in playground.panels.all()[0].body] == ["assistant"]


def test_values_are_kept_when_their_variable_goes_and_comes_back(
    alice: User, playground: Playground, client_of: ClientOf
) -> None:
    client, path = client_of(alice), f"/playground/{playground.pk}/values/"
    client.post(path, {"value-topic": "ebb\r\nflow", "value-language": "French", "value-other": "x"})
    playground.refresh_from_db()
    assert playground.values["topic"] == "ebb\nflow" and "other" not in playground.values
    answer = client.post(path, {"value-topic": "t", "value-language": "F", "value-history": "no JSON"})
    assert answer.status_code == 422 and "is not JSON" in answer.content.decode()


def test_panels_are_added_up_to_a_number_and_removed_down_to_one(
    alice: User, playground: Playground, client_of: ClientOf
) -> None:
    client, path = client_of(alice), f"/playground/{playground.pk}/panels/"
    for _ in range(4):
        answer = client.post(f"{path}add/", follow=True)
    assert playground.panels.count() == MOST_PANELS
    assert f"at most {MOST_PANELS} panels" in answer.content.decode()
    for panel in playground.panels.all():
        client.post(f"{path}{panel.pk}/remove/")
    assert playground.panels.count() == 1


def test_whom_it_is_shared_with_sees_all_and_changes_nothing(
    alice: User, bob: User, playground: Playground, client_of: ClientOf
) -> None:
    Playground.objects.update(visibility="everyone")
    client = client_of(bob)
    page = client.get(f"/playground/{playground.pk}/").content.decode()

    assert "Only the owner changes and runs it" in page and "Explain" in page
    assert "run-all" not in page and "data-choose-model" not in page
    assert client.post(f"/playground/{playground.pk}/panels/add/").status_code == 404


def test_it_begins_with_a_prompt_its_samples_and_its_version(alice: User, client_of: ClientOf) -> None:
    draft = Draft("Sort {{ticket}}", (Variable("ticket", sample="T-1"),), provider="echo", model="echo")
    version = create_prompt(owner=alice, name="triage", type="text", draft=draft)
    client_of(alice).post("/playground/add/", {"prompt": version.prompt_id, "version": "1"})

    playground = Playground.objects.get()
    panel = playground.panels.get()
    assert (playground.title, playground.values) == ("triage v1", {"ticket": "T-1"})
    assert (panel.prompt_name, panel.prompt_version, panel.body[0]["content"]) == ("triage", 1, "Sort {{ticket}}")


def test_it_says_that_the_prompt_was_deleted_meanwhile_and_runs_on(alice: User, client_of: ClientOf) -> None:
    version = create_prompt(owner=alice, name="triage", type="text", draft=Draft("Sort", provider="echo", model="echo"))
    client, address = client_of(alice), version.prompt.get_absolute_url()
    client.post("/playground/add/", {"prompt": version.prompt_id})
    playground = Playground.objects.get()
    assert address in client.get(playground.get_absolute_url()).content.decode()
    delete_prompt(prompt=version.prompt, actor=alice)
    page = client.get(playground.get_absolute_url()).content.decode()
    assert address not in page and "deleted or not shared" in page
    assert "deleted or not shared" in save(client, playground, **{"message-0-content": "Sort"})
    panel = playground.panels.get()
    begun = start_round(user=alice, playground_id=playground.pk, panel_ids=[panel.pk], round_id=uuid4())
    assert not begun.refused and Generation.objects.get().prompt_id is None


def test_it_begins_with_what_a_message_answered(alice: User, client_of: ClientOf) -> None:
    conversation = Conversation.objects.create(owner=alice, title="Tides", system="Be brief")
    question = Message.objects.create(conversation=conversation, role="user", text="Why?")
    answer = Message.objects.create(conversation=conversation, parent=question, role="assistant", text="So.")
    client_of(alice).post("/playground/add/", {"message": answer.pk})

    body = Playground.objects.get().panels.get().body
    assert [(message["role"], message["content"]) for message in body] == [("system", "Be brief"), ("user", "Why?")]


def test_it_begins_with_a_recorded_call(alice: User, client_of: ClientOf) -> None:
    extra = '{"tool_calls":[{"arguments":"{}","id":"c1","name":"page"}]}'
    sent = [
        SentMessage("tools", '[{"description":"","name":"page","parameters":{}}]'),
        SentMessage("user", "Help"),
        SentMessage("assistant", "", extra),
        SentMessage("tool", "done", '{"tool_call_id":"c1","tool_name":"page"}'),
    ]
    call = a_call(alice, sent)
    client_of(alice).post("/playground/add/", {"call": call.pk})

    panel = Playground.objects.get().panels.get()
    assert [message["role"] for message in panel.body] == ["user", "assistant", "tool"]
    assert panel.body[1]["tool_calls"][0]["function"]["name"] == "page"
    assert panel.tools[0]["function"]["name"] == "page"


def test_it_takes_the_files_of_a_message_that_somebody_shared(alice: User, bob: User, client_of: ClientOf) -> None:
    conversation = Conversation.objects.create(owner=alice, title="Tides", visibility="everyone")
    earlier = Message.objects.create(conversation=conversation, role="user", text="Look")
    question = Message.objects.create(conversation=conversation, parent=earlier, role="user", text="")
    chart = store_file(user=alice, checked=check(files.image(), "chart.png"))
    for message in (earlier, question):
        attach(message=message, files=[chart])
    page = client_of(bob).post("/playground/add/", {"message": question.pk}, follow=True)

    held = Playground.objects.get(owner=bob).files.get().file
    assert (held.user, held.digest, held.name) == (bob, chart.digest, "chart.png")
    assert EARLIER_FILES in page.content.decode()


def test_it_takes_the_files_of_a_call_as_long_as_they_are_stored(alice: User, client_of: ClientOf) -> None:
    chart = store_file(user=alice, checked=check(files.image(), "chart.png"))
    for digest, held, note in ((chart.digest, 1, ""), ("0" * 64, 0, FILES_GONE)):
        sent = {"attachments": [{"digest": digest, "name": "chart.png", "media_type": "image/png"}]}
        call = a_call(alice, [SentMessage("user", "Look", canonical(sent))])
        page = client_of(alice).post("/playground/add/", {"call": call.pk}, follow=True)
        assert Playground.objects.latest("created_at").files.count() == held
        assert note in page.content.decode()


@pytest.mark.parametrize("name", ["prompt", "message", "call"])
def test_it_begins_with_nothing_of_a_stranger(name: str, alice: User, bob: User, client_of: ClientOf) -> None:
    version = create_prompt(owner=alice, name="triage", type="text", draft=Draft("Sort"))
    conversation = Conversation.objects.create(owner=alice, title="Tides")
    made = {
        "prompt": version.prompt_id,
        "message": Message.objects.create(conversation=conversation, role="user", text="Why?").pk,
        "call": a_call(alice, []).pk,
    }
    assert client_of(bob).post("/playground/add/", {name: made[name]}).status_code == 404
    missing = {"prompt": uuid4(), "message": 10**17, "call": uuid4()}
    for wanted in (missing[name], "nothing"):
        assert client_of(bob).post("/playground/add/", {name: wanted}).status_code == 404


def test_a_panel_is_saved_as_a_prompt(alice: User, playground: Playground, client_of: ClientOf) -> None:
    panel = playground.panels.all()[0]
    page = client_of(alice).get(f"/prompts/add/?panel={panel.pk}").content.decode()
    assert "Explain {{topic}}." in page and "From the playground" in page


def test_answers_are_shown_as_they_differ(alice: User, playground: Playground, client_of: ClientOf) -> None:
    panels = list(playground.panels.values_list("pk", flat=True))
    begun = start_round(user=alice, playground_id=playground.pk, panel_ids=panels, round_id=uuid4())
    for (_, order), text in zip(begun.started, ["High tide", "Low tide"], strict=True):
        Generation.objects.filter(pk=order.generation_id).update(status="succeeded", ended_at="2030-01-01T00:00Z")
        GenerationContent.objects.filter(pk=order.generation_id).update(response_text=text)
    address = f"/playground/{playground.pk}/?view=diff"
    page = client_of(alice).get(address).content.decode()
    assert "Compared with panel 1" in page and "<del>High</del><ins>Low</ins> tide" in page
    second, _ = begun.started[1]
    page = client_of(alice).get(f"{address}&base={second.pk}").content.decode()
    assert "Compared with panel 2" in page and "<del>Low</del><ins>High</ins> tide" in page
    assert "<del>High</del><ins>Low</ins>" in client_of(alice).get(f"{address}&base=nothing").content.decode()


def a_file(user: User, digest: str = "a" * 64, media_type: str = "image/png") -> StoredFile:
    described = {"name": "map.png", "media_type": media_type, "size": 4, "tokens": 9}
    return StoredFile.objects.create(user=user, digest=digest, content=b"\x89PNG", thumbnail=b"", **described)


def test_files_are_kept_with_the_values_and_sent_with_the_last_message(
    alice: User, bob: User, playground: Playground, client_of: ClientOf
) -> None:
    a_file(alice), a_file(bob, "b" * 64)
    values = {"value-topic": "tides", "value-language": "German", "attachments": ["a" * 64, "b" * 64]}
    client_of(alice).post(f"/playground/{playground.pk}/values/", values)
    assert [row.file.user for row in playground.files.all()] == [alice]

    panels = list(playground.panels.values_list("pk", flat=True))
    begun = start_round(user=alice, playground_id=playground.pk, panel_ids=panels, round_id=uuid4())
    request = begun.started[0][1].request
    assert [[file.name for file in message.attachments] for message in request.messages] == [["map.png"]]
    assert GenerationContent.objects.get(pk=begun.started[0][1].generation_id).sent()[-1].attachments
    assert StoredFile.objects.get(user=alice).period is not None


def test_a_panel_whose_model_cannot_see_says_so(alice: User, playground: Playground, client_of: ClientOf) -> None:
    file = a_file(alice)
    save_files(playground=playground, files=[file])
    add_token(owner=alice, actor=alice, provider="openai", label="Main", secret="sk-test-1234567890")
    panels = list(playground.panels.all())
    panels[0].provider, panels[0].model, panels[0].parameters = "openai", "gpt-3.5-turbo", {}
    panels[0].save()
    ids = [panel.pk for panel in panels]
    begun = start_round(user=alice, playground_id=playground.pk, panel_ids=ids, round_id=uuid4())

    assert "gpt-3.5-turbo cannot read images" in begun.refused[panels[0].pk]
    assert [answer.panel_id for answer, _ in begun.started] == [panels[1].pk]


def test_files_stay_as_long_as_a_playground_holds_them(alice: User, playground: Playground) -> None:
    file = a_file(alice)
    StoredFile.objects.update(created_at="2020-01-01T00:00Z")
    save_files(playground=playground, files=[file])
    assert delete_unneeded() == 0
    save_files(playground=playground, files=[])
    assert delete_unneeded() == 1


def test_whom_it_is_shared_with_sees_its_files(
    alice: User, bob: User, playground: Playground, client_of: ClientOf
) -> None:
    save_files(playground=playground, files=[a_file(alice)])
    path = f"/chat/files/{'a' * 64}/download/"
    assert client_of(bob).get(path).status_code == 404
    Playground.objects.update(visibility="everyone")
    assert client_of(bob).get(path).status_code == 200


def test_it_is_erased_with_its_files(alice: User, admin: User, playground: Playground) -> None:
    save_files(playground=playground, files=[a_file(alice)])
    erase_user(user=alice, actor=admin)
    assert not Playground.objects.exists() and not StoredFile.objects.exists()


def test_it_shows_the_request_as_code(alice: User, playground: Playground, client_of: ClientOf) -> None:
    client, panel = client_of(alice), playground.panels.all()[0]
    path = f"/playground/{playground.pk}/panels/{panel.pk}/code/"
    assert "there is no code for it" in client.get(path).content.decode()
    panel.provider, panel.model, panel.parameters = "anthropic", "claude-haiku-4-5", {}
    panel.save()
    page = client.get(path).content.decode()
    assert "https://api.anthropic.com/v1/messages" in page and "$ANTHROPIC_API_KEY" in page
    assert "Explain tides." in page and "THE-KEY" not in page
    save_values(playground=playground, values={"topic": ""})
    assert "Fill in topic under Variables first." in client.get(path).content.decode()


def test_values_come_from_an_example_set_and_become_one(alice: User, client_of: ClientOf) -> None:
    draft = Draft("Sort {{ticket}}", provider="echo", model="echo")
    version = create_prompt(owner=alice, name="triage", type="text", draft=draft)
    chosen = create_example_set(prompt=version.prompt, name="Refund", values={"ticket": "T-7"}, actor=alice)
    other = create_prompt(owner=alice, name="other", type="text", draft=draft).prompt
    foreign = create_example_set(prompt=other, name="Other", values={"ticket": "T-9"}, actor=alice)
    client = client_of(alice)
    client.post("/playground/add/", {"prompt": version.prompt_id})
    path = Playground.objects.get().get_absolute_url()

    assert "Refund" in client.get(path).content.decode()
    assert "T-7" in client.post(f"{path}values/{chosen.pk}/fill/").content.decode()
    assert client.post(f"{path}values/{foreign.pk}/fill/").status_code == 404
    client.post(f"{path}values/", {"value-ticket": "T-8"})
    client.post(f"{path}example-set/", {"name": "Late"})
    assert ExampleSet.objects.get(name="Late").values == {"ticket": "T-8"}
    assert "has an example set of this name" in client.post(f"{path}example-set/", {"name": "Late"}).content.decode()
