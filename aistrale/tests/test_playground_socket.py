"""The socket of a playground."""

from __future__ import annotations

import json
from uuid import uuid4

import pytest
from pytest_django.fixtures import Settings

from accounts.models import User
from aistrale.tests.sockets import Open, everything
from inference.playground.fragments import render_ended
from inference.playground.models import Panel, PanelAnswer, Playground
from inference.playground.services import add_panel, create_playground
from inference.providers.errors import AuthenticationFailed, NotFound
from inference.runs.database import in_thread
from inference.tests.fake_provider import FakeProvider
from prompts.drafts import Draft
from telemetry.models import Generation, GenerationContent, Status
from tokens.services import add_token

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def playground(alice: User) -> Playground:
    """Two panels on the sandbox."""
    draft = Draft("Explain tides.", provider="echo", model="echo", parameters={"delay_ms": 0, "length": 10})
    playground = create_playground(owner=alice, title="Tides", draft=draft, values={})
    add_panel(playground=playground, like=playground.panels.get())
    return playground


def run(panels: list[int]) -> str:
    return json.dumps({"type": "run", "panels": panels, "round": str(uuid4())})


async def ids(playground: Playground) -> list[int]:
    return await in_thread(lambda: list(playground.panels.values_list("pk", flat=True)))()


async def test_all_panels_stream_and_end_with_their_figures(
    alice: User, playground: Playground, open_socket: Open
) -> None:
    socket, accepted, _ = await open_socket(alice, f"/ws/playground/{playground.pk}/")
    assert accepted
    panels = await ids(playground)
    await socket.send_to(run(panels))
    received = await everything(socket, until='data-state="good"')
    while received.count("Call details") < 2:
        received += str(await socket.receive_from(timeout=30))

    for panel in panels:
        assert f'id="answers-{panel}" hx-swap-oob="true"' in received
        assert f'id="metrics-{panel}" hx-swap-oob="true"' in received
    assert "answer-text-" in received
    assert await in_thread(Generation.objects.filter(status=Status.SUCCEEDED).count)() == 2


async def test_one_panel_that_fails_does_not_stop_the_others(
    alice: User, playground: Playground, open_socket: Open
) -> None:
    panels = await ids(playground)
    await in_thread(Panel.objects.filter(pk=panels[0]).update)(provider="openai", model="gpt-4o")
    socket, _, _ = await open_socket(alice, f"/ws/playground/{playground.pk}/")
    await socket.send_to(run(panels))
    received = await everything(socket, until="Call details")

    assert "You have no key for this provider" in received


async def test_a_refused_key_and_a_model_that_is_gone_keep_none_of_four_panels(
    alice: User, playground: Playground, open_socket: Open, settings: Settings
) -> None:
    settings.PROVIDER_HOSTS = ["127.0.0.1"]
    with FakeProvider() as fake:
        await in_thread(_ask_of_a_provider)(playground, alice, fake.base_url("openai"))
        socket, _, _ = await open_socket(alice, f"/ws/playground/{playground.pk}/")
        await socket.send_to(run(await ids(playground)))
        received = ""
        while received.count("Call details") < 4:
            received += str(await socket.receive_from(timeout=30))

    calls = Generation.objects.order_by("panel_answer__panel").values_list("status", "error_type")
    done = (Status.SUCCEEDED, "")
    assert await in_thread(lambda: list(calls))() == [
        (Status.FAILED, AuthenticationFailed.kind), (Status.FAILED, NotFound.kind), done, done
    ]  # fmt: skip
    assert "sk-bad" not in received and received.count("Message from the provider") == 2


def _ask_of_a_provider(playground: Playground, owner: User, base_url: str) -> None:
    """In the first panel with a key that it refuses, in the second for a model that it does not have."""
    good, bad = (
        add_token(owner=owner, actor=None, provider="openai", label=secret, secret=secret, base_url=base_url)
        for secret in ("sk-good-1234", "bad-sk-bad-1234")
    )
    for _ in range(2):
        add_panel(playground=playground, like=playground.panels.first() or Panel())
    chosen = ((bad, "words-3"), (good, "status-404"), (good, "words-3"), (good, "words-4"))
    for panel, (token, model) in zip(playground.panels.all(), chosen, strict=True):
        Panel.objects.filter(pk=panel.pk).update(provider="openai", model=model, token_id=token.pk, parameters={})


async def test_it_stops_what_one_panel_streams(alice: User, playground: Playground, open_socket: Open) -> None:
    await in_thread(Panel.objects.update)(parameters={"delay_ms": 100, "length": 500})
    socket, _, _ = await open_socket(alice, f"/ws/playground/{playground.pk}/")
    panels = await ids(playground)
    await socket.send_to(run(panels))
    await everything(socket, until="answer-text-")
    await socket.send_to(json.dumps({"type": "stop", "panels": panels[:1]}))
    await everything(socket, until="Stopped")

    statuses = await in_thread(
        lambda: list(Generation.objects.order_by("panel_answer__panel").values_list("status", flat=True))
    )()
    assert statuses == [Status.STOPPED, Status.RUNNING]
    await socket.send_to(json.dumps({"type": "stop", "panels": panels}))
    await everything(socket, until="Stopped")


async def test_a_second_page_and_a_reader_see_what_streams(
    alice: User, bob: User, playground: Playground, open_socket: Open
) -> None:
    await in_thread(Playground.objects.update)(visibility="everyone")
    await in_thread(Panel.objects.update)(parameters={"delay_ms": 30, "length": 60})
    first, _, _ = await open_socket(alice, f"/ws/playground/{playground.pk}/")
    await first.send_to(run(await ids(playground)))
    await everything(first, until="answer-text-")
    reader, accepted, _ = await open_socket(bob, f"/ws/playground/{playground.pk}/")
    assert accepted
    await reader.send_to('{"type": "watch"}')
    received = await everything(reader, until='data-state="good"')

    assert "answer-text-" in received and "Call details" not in received


@pytest.mark.parametrize("kind", ["run", "stop"])
async def test_a_reader_neither_runs_nor_stops(
    kind: str, alice: User, bob: User, playground: Playground, open_socket: Open
) -> None:
    await in_thread(Playground.objects.update)(visibility="everyone")
    await in_thread(Panel.objects.update)(parameters={"delay_ms": 100, "length": 500})
    panels = await ids(playground)
    own, _, _ = await open_socket(alice, f"/ws/playground/{playground.pk}/")
    await own.send_to(run(panels))
    await everything(own, until="answer-text-")
    reader, _, _ = await open_socket(bob, f"/ws/playground/{playground.pk}/")
    await reader.send_to(run(panels) if kind == "run" else json.dumps({"type": "stop", "panels": panels}))
    await reader.send_to("not json")
    while (await reader.receive_output(timeout=30))["type"] != "websocket.close":
        continue

    assert await in_thread(Generation.objects.running().count)() == 2
    await own.send_to(json.dumps({"type": "stop", "panels": panels}))
    await everything(own, until="Stopped")


TOOL = {"type": "function", "function": {"name": "page_on_call", "parameters": {"type": "object", "properties": {}}}}


async def test_a_tool_is_answered_by_hand_and_the_model_goes_on(
    alice: User, playground: Playground, open_socket: Open
) -> None:
    (panel, _) = await ids(playground)
    await in_thread(Panel.objects.update)(tools=[TOOL])
    socket, _, _ = await open_socket(alice, f"/ws/playground/{playground.pk}/")
    await socket.send_to(run([panel]))
    received = await everything(socket, until="data-results=")
    assert "page_on_call" in received and "Waiting for tool results" in received
    answer = await in_thread(PanelAnswer.objects.get)()
    call = (await in_thread(GenerationContent.objects.get)(pk=answer.generation_id)).tool_calls[0]

    await socket.send_to(results_of(panel, answer.pk, {}))
    assert "Enter the result of page_on_call first." in await everything(socket, until="results-problem")
    for _ in range(2):
        # With a character that the database does not take.
        await socket.send_to(results_of(panel, answer.pk, {call["id"]: "Jonas was paged\0"}))
    received = await everything(socket, until='data-state="good"')
    assert "Jonas was paged\ufffd" in received

    steps = await in_thread(lambda: list(PanelAnswer.objects.values_list("step", "results")))()
    assert steps == [(0, {}), (1, {call["id"]: "Jonas was paged\ufffd"})]
    newest = await in_thread(GenerationContent.objects.get)(generation__panel_answer__step=1)
    sent = await in_thread(newest.sent)()
    assert [message.role for message in sent] == ["tools", "user", "assistant", "tool"]


def results_of(panel: int, answer: int, results: dict[str, str]) -> str:
    return json.dumps({"type": "results", "panel": panel, "answer": answer, "results": results})


async def test_results_without_a_call_are_refused(alice: User, playground: Playground, open_socket: Open) -> None:
    (panel, _) = await ids(playground)
    socket, _, _ = await open_socket(alice, f"/ws/playground/{playground.pk}/")
    await socket.send_to(run([panel]))
    await everything(socket, until='data-state="good"')
    answer = await in_thread(PanelAnswer.objects.get)()
    await socket.send_to(results_of(panel, answer.pk, {"made-up": "x"}))
    assert "This answer has no tool call." in await everything(socket, until="results-problem")
    await socket.send_to(results_of(panel, answer.pk + 99, {"made-up": "x"}))
    assert "replaced by a newer one" in await everything(socket, until="results-problem")


async def test_answers_are_held_to_the_schema(alice: User, playground: Playground, open_socket: Open) -> None:
    (first, second) = await ids(playground)
    schema = {"type": "object", "properties": {"team": {"type": "string"}}, "required": ["team"]}
    await in_thread(Panel.objects.update)(response_schema=schema)
    socket, _, _ = await open_socket(alice, f"/ws/playground/{playground.pk}/")
    await socket.send_to(run([first]))
    assert "Matches the schema" in await everything(socket, until='data-state="good"')
    answer = await in_thread(PanelAnswer.objects.get)()
    await in_thread(GenerationContent.objects.filter(pk=answer.generation_id).update)(response_text='{"team": 7}')
    page = await in_thread(render_ended)(answer.pk, viewer=alice)
    assert "Does not match the schema" in page and "$.team" in page
