"""The chat socket: who may open it, what it takes, what it shows."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

import pytest
from channels.testing import WebsocketCommunicator
from pytest_django.fixtures import Settings

from accounts.models import Team, User
from accounts.sessions.services import end_sessions, live_sessions
from accounts.sharing import Audience, Visibility
from accounts.teams.services import remove_member
from aistrale.process import runs
from aistrale.tests.sockets import Open, closed, everything, new_path, question
from audit.models import AuditEvent
from inference.chat.socket_state import MESSAGES_AT_ONCE
from inference.models import Conversation
from inference.routing import websocket_urlpatterns
from inference.runs.database import in_thread
from prompts.drafts import Draft
from prompts.services import create_prompt
from telemetry.models import Generation, Status
from tokens.services import add_token

pytestmark = pytest.mark.django_db(transaction=True)


async def test_it_streams_an_answer_and_its_figures(alice: User, open_socket: Open) -> None:
    socket, accepted, _ = await open_socket(alice, new_path(alice))
    assert accepted
    await socket.send_to(question())
    received = await everything(socket, until='data-status="succeeded"')

    assert 'id="messages" hx-swap-oob="beforeend"' in received
    assert 'id="page-url" data-url="/chat/' in received
    assert 'id="tail-' in received and 'id="blocks-' in received


@pytest.mark.parametrize("number", [1, 2])
async def test_it_records_the_prompt_that_a_message_was_made_with(alice: User, open_socket: Open, number: int) -> None:
    version = await in_thread(create_prompt)(owner=alice, name="triage", type="text", draft=Draft("Sort"))
    socket, _, _ = await open_socket(alice, new_path(alice))
    await socket.send_to(question(prompt=str(version.prompt_id), prompt_version=number))
    received = await everything(socket, until='data-status="succeeded"' if number == 1 else "composer-errors")

    if number == 1:
        call = await in_thread(Generation.objects.get)()
        assert (call.prompt_id, call.prompt_name, call.prompt_version) == (version.prompt_id, "triage", 1)
    else:
        assert 'data-field="prompt">This prompt or version was deleted' in received
        assert not await in_thread(Generation.objects.exists)()


async def test_it_shows_a_page_that_comes_back_what_is_running(alice: User, open_socket: Open) -> None:
    first, _, _ = await open_socket(alice, new_path(alice))
    await first.send_to(question(**{"param-delay_ms": 30, "param-length": 100}))
    await everything(first, until='id="tail-')
    conversation = await in_thread(Conversation.objects.get)()
    second, _, _ = await open_socket(alice, f"/ws/chat/{conversation.pk}/")
    await second.send_to('{"type": "watch"}')
    received = await everything(second, until='data-status="succeeded"')

    assert 'hx-swap-oob="innerHTML"' in received


async def test_it_refuses_an_anonymous_visitor(open_socket: Open) -> None:
    _, accepted, code = await open_socket(None, f"/ws/chat/{uuid4()}/")

    assert (accepted, code) == (False, 4401)


@pytest.mark.parametrize("origin", ["https://evil.example", None, "null", "http://127.0.0.1:9999"])
async def test_it_refuses_a_foreign_or_missing_origin(alice: User, open_socket: Open, origin: str | None) -> None:
    _, accepted, _ = await open_socket(alice, new_path(alice), origin=origin)

    assert not accepted


async def test_it_answers_a_stranger_as_if_there_were_no_such_conversation(
    alice: User, charlie: User, open_socket: Open
) -> None:
    conversation = await in_thread(Conversation.objects.create)(owner=alice, title="private")
    _, *stranger = await open_socket(charlie, f"/ws/chat/{conversation.pk}/")
    _, *missing = await open_socket(charlie, f"/ws/chat/{uuid4()}/")

    assert stranger == missing == [False, 4404]


async def test_it_refuses_a_reservation_of_somebody_else(alice: User, charlie: User, open_socket: Open) -> None:
    _, accepted, code = await open_socket(charlie, new_path(alice))

    assert (accepted, code) == (False, 4404)


async def test_it_refuses_a_forged_reservation(alice: User, open_socket: Open) -> None:
    _, accepted, code = await open_socket(alice, "/ws/chat/new/forged/")

    assert (accepted, code) == (False, 4404)


@pytest.mark.parametrize("text", ["not json", "[]", '{"type": "nonsense"}', "{}", '"run"'])
async def test_it_closes_at_a_message_it_does_not_know(alice: User, open_socket: Open, text: str) -> None:
    socket, _, _ = await open_socket(alice, new_path(alice))
    await socket.send_to(text)

    assert await closed(socket) == 4400


async def test_it_closes_at_binary_data(alice: User, open_socket: Open) -> None:
    socket, _, _ = await open_socket(alice, new_path(alice))
    await socket.send_to(bytes_data=b"\x00\xff")

    assert await closed(socket) == 4400


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"text": "  "}, "Write a message first."),
        ({"provider": "nobody"}, "Choose a model first."),
        ({"model": ""}, "Choose a model first."),
        ({"text": "x" * 200_001}, "A message has at most 200,000 characters."),
        ({"parent": "999999"}, "The message that this one answers is not in this conversation."),
        ({"param-nonsense": "1"}, "does not take"),
    ],
)
async def test_it_says_what_is_wrong_with_a_message_and_stores_nothing(
    alice: User, open_socket: Open, changes: dict[str, Any], complaint: str
) -> None:
    socket, _, _ = await open_socket(alice, new_path(alice))
    await socket.send_to(question(**changes))
    received = await socket.receive_from(timeout=30)

    assert 'id="composer-errors"' in received and complaint in received
    assert not await in_thread(Generation.objects.exists)()
    assert not await in_thread(Conversation.objects.exists)()


async def test_it_asks_for_a_token_where_there_is_none(alice: User, open_socket: Open) -> None:
    socket, _, _ = await open_socket(alice, new_path(alice))
    message = {"type": "run", "text": "Hi", "provider": "openai", "model": "gpt-4o", "client_id": str(uuid4())}
    await socket.send_to(json.dumps(message))

    assert "no key for this provider" in await socket.receive_from(timeout=30)


async def test_it_ends_with_the_session(alice: User, open_socket: Open) -> None:
    socket, _, _ = await open_socket(alice, new_path(alice))
    await in_thread(User.objects.filter(pk=alice.pk).update)(is_active=False)
    await socket.send_to(question())

    assert await closed(socket) == 4401


async def test_the_next_message_has_the_rights_of_its_moment(
    alice: User, bob: User, team: Team, open_socket: Open
) -> None:
    await in_thread(add_token)(
        owner=alice,
        actor=alice,
        provider="openai",
        label="Ours",
        secret="sk-of-the-team-1234567890",
        audience=Audience(Visibility.TEAM, team),
    )
    socket, _, _ = await open_socket(bob, new_path(bob))
    await in_thread(remove_member)(team=team, user=bob, actor=alice)
    await socket.send_to(question(provider="openai", model="gpt-4o", **{"param-delay_ms": "", "param-length": ""}))

    assert "no key for this provider" in await socket.receive_from(timeout=30)


@pytest.mark.parametrize(
    ("change", "code"),
    [({"is_active": False}, 4401), ({"role": "administrator"}, 1013), ({"password": "another one"}, 4401)],
    ids=["deactivated", "another role", "another password"],
)
async def test_a_silent_socket_ends_soon_after_its_user_changes(
    alice: User, open_socket: Open, change: dict[str, Any], code: int
) -> None:
    socket, _, _ = await open_socket(alice, new_path(alice))
    await in_thread(User.objects.filter(pk=alice.pk).update)(**change)

    assert await closed(socket) == code


async def test_a_silent_socket_ends_soon_after_its_session(alice: User, open_socket: Open) -> None:
    socket, _, _ = await open_socket(alice, new_path(alice))
    other, _, _ = await open_socket(alice, new_path(alice))
    oldest = (await in_thread(live_sessions)(alice))[-1]
    await in_thread(end_sessions)(user=alice, actor=alice, only=[oldest.pk])

    assert await closed(socket) == 4401
    assert await other.receive_nothing(timeout=0.2)


async def test_it_makes_one_run_of_a_message_that_is_sent_twice(alice: User, open_socket: Open) -> None:
    socket, _, _ = await open_socket(alice, new_path(alice))
    message = question()
    await socket.send_to(message)
    await socket.send_to(message)
    await everything(socket, until='data-status="succeeded"')

    assert await in_thread(Generation.objects.count)() == 1


async def test_it_stops_a_run(alice: User, open_socket: Open) -> None:
    socket, _, _ = await open_socket(alice, new_path(alice))
    await socket.send_to(question(**{"param-delay_ms": 100, "param-length": 500}))
    await everything(socket, until='id="tail-')
    generation = await in_thread(Generation.objects.get)()
    await socket.send_to(json.dumps({"type": "stop", "generation": str(generation.pk)}))
    received = await everything(socket, until='data-status="stopped"')

    assert "Stopped" in received


async def test_it_does_not_let_a_stranger_stop_a_run(alice: User, charlie: User, open_socket: Open) -> None:
    socket, _, _ = await open_socket(alice, new_path(alice))
    await socket.send_to(question(**{"param-delay_ms": 30, "param-length": 40}))
    await everything(socket, until='id="tail-')
    generation = await in_thread(Generation.objects.get)()
    stranger, _, _ = await open_socket(charlie, new_path(charlie))
    await stranger.send_to(json.dumps({"type": "stop", "generation": str(generation.pk)}))
    await everything(socket, until='data-status="')

    assert (await in_thread(Generation.objects.get)()).status in (Status.RUNNING, Status.SUCCEEDED)


async def test_it_takes_no_new_run_while_shutting_down(alice: User, open_socket: Open) -> None:
    socket, _, _ = await open_socket(alice, new_path(alice))
    runs.is_draining = True
    await socket.send_to(question())

    assert "AISTRALE is restarting" in await socket.receive_from(timeout=30)


@pytest.mark.parametrize("origin", ["https://evil.test", None])
async def test_it_refuses_a_foreign_origin_even_where_any_host_is_allowed(
    settings: Settings, origin: str | None
) -> None:
    from aistrale.asgi import sockets

    settings.ALLOWED_HOSTS = ["*"]
    headers = [(b"origin", origin.encode())] if origin else []
    socket = WebsocketCommunicator(sockets, "/ws/chat/new/x/", headers=headers)

    # Not 4401, which the consumer would say to who is not logged in.
    assert await socket.connect() == (False, 1000)


async def test_each_message_asks_anew_whose_the_conversation_is(alice: User, charlie: User, open_socket: Open) -> None:
    conversation = await in_thread(Conversation.objects.create)(owner=alice, title="mine")
    socket, _, _ = await open_socket(alice, f"/ws/chat/{conversation.pk}/")
    await in_thread(Conversation.objects.update)(owner=charlie)
    await socket.send_to(question())

    assert await closed(socket) == 4404
    assert not await in_thread(Generation.objects.exists)()


async def test_a_watch_shows_nothing_that_is_not_ones_own_any_more(
    alice: User, charlie: User, open_socket: Open
) -> None:
    socket, _, _ = await open_socket(alice, new_path(alice))
    await socket.send_to(question(**{"param-delay_ms": 50, "param-length": 500}))
    await everything(socket, until='id="tail-')
    conversation = await in_thread(Conversation.objects.get)()
    watcher, _, _ = await open_socket(alice, f"/ws/chat/{conversation.pk}/")
    await in_thread(Conversation.objects.update)(owner=charlie)
    await watcher.send_to('{"type": "watch"}')

    assert await watcher.receive_nothing(timeout=0.5)


async def test_it_closes_at_a_flood_and_leaves_others_alone(alice: User, bob: User, open_socket: Open) -> None:
    flooded, _, _ = await open_socket(alice, new_path(alice))
    other, _, _ = await open_socket(bob, new_path(bob))
    for _ in range(3 * MESSAGES_AT_ONCE):
        await flooded.send_to('{"type": "watch"}')

    assert await closed(flooded) == 4429
    await other.send_to(question())
    assert 'data-status="succeeded"' in await everything(other, until='data-status="succeeded"')


async def test_one_person_has_no_more_than_so_many_sockets(
    alice: User, bob: User, open_socket: Open, settings: Settings
) -> None:
    settings.LIMIT_SOCKETS = 2
    opened = [await open_socket(alice, new_path(alice)) for _ in range(3)]
    await opened[0][0].disconnect()
    again, others = await open_socket(alice, new_path(alice)), await open_socket(bob, new_path(bob))

    assert [(accepted, code) for _, accepted, code in opened][2] == (False, 4429)
    assert again[1] and others[1]


async def test_it_says_at_the_composer_that_a_limit_is_reached(
    alice: User, open_socket: Open, settings: Settings
) -> None:
    settings.LIMIT_RUNS_PER_MINUTE = 1
    socket, _, _ = await open_socket(alice, new_path(alice))
    await socket.send_to(question())
    await everything(socket, until='data-status="succeeded"')
    await socket.send_to(question())
    await everything(socket, until="You have asked 1 times within a minute")
    await socket.send_to(question())
    await everything(socket, until="Wait ")
    hits = AuditEvent.objects.filter(action="accounts:limit:hit", actor=alice.audit_id)

    assert await in_thread(hits.count)() == 1
    assert await in_thread(Generation.objects.count)() == 1


async def test_there_is_no_other_socket(alice: User, open_socket: Open) -> None:
    for user in (None, alice):
        assert (await open_socket(user, "/ws/nowhere/"))[1:] == (False, 1000)


SOCKETS = {
    "ws/chat/<uuid:pk>/": f"/ws/chat/{uuid4()}/",
    "ws/chat/new/<str:signed>/": "/ws/chat/new/x/",
    "ws/playground/<uuid:pk>/": f"/ws/playground/{uuid4()}/",
}


async def test_every_socket_takes_people_only(alice: User, admin: User, open_socket: Open) -> None:
    assert {str(pattern.pattern) for pattern in websocket_urlpatterns(runs)} == SOCKETS.keys()
    for path in SOCKETS.values():
        answers = [await open_socket(user, path) for user in (None, alice, admin)]
        assert [code for _, _, code in answers] == [4401, 4404, 4404]
