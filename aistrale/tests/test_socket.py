"""The chat socket: who may open it, what it takes, what it shows."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

import pytest

from accounts.models import User
from accounts.session_services import end_sessions, live_sessions
from aistrale.process import runs
from aistrale.tests.sockets import Open, closed, everything, new_path, question
from inference.models import Conversation
from inference.threads import in_thread
from telemetry.models import Generation, Status

pytestmark = pytest.mark.django_db(transaction=True)


async def test_it_streams_an_answer_and_its_figures(alice: User, open_socket: Open) -> None:
    socket, accepted, _ = await open_socket(alice, new_path(alice))
    assert accepted
    await socket.send_to(question())
    received = await everything(socket, until='data-status="succeeded"')

    assert 'id="messages" hx-swap-oob="beforeend"' in received
    assert 'id="page-url" data-url="/chat/' in received
    assert 'id="tail-' in received and 'id="blocks-' in received


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


@pytest.mark.parametrize("origin", ["https://evil.example", None, "null"])
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
    received = await socket.receive_from(timeout=5)

    assert 'id="composer-errors"' in received and complaint in received
    assert not await in_thread(Generation.objects.exists)()
    assert not await in_thread(Conversation.objects.exists)()


async def test_it_asks_for_a_token_where_there_is_none(alice: User, open_socket: Open) -> None:
    socket, _, _ = await open_socket(alice, new_path(alice))
    message = {"type": "run", "text": "Hi", "provider": "openai", "model": "gpt-4o", "client_id": str(uuid4())}
    await socket.send_to(json.dumps(message))

    assert "no working token" in await socket.receive_from(timeout=5)


async def test_it_ends_with_the_session(alice: User, open_socket: Open) -> None:
    socket, _, _ = await open_socket(alice, new_path(alice))
    await in_thread(User.objects.filter(pk=alice.pk).update)(is_active=False)
    await socket.send_to(question())

    assert await closed(socket) == 4401


@pytest.mark.parametrize(
    ("change", "code"),
    [({"is_active": False}, 4401), ({"role": "administrator"}, 1013), ({"password": "another one"}, 4401)],
    ids=["deactivated", "another role", "another password"],
)
async def test_w3_a_silent_socket_ends_soon_after_its_user_changes(
    alice: User, open_socket: Open, change: dict[str, Any], code: int
) -> None:
    socket, _, _ = await open_socket(alice, new_path(alice))
    await in_thread(User.objects.filter(pk=alice.pk).update)(**change)

    assert await closed(socket) == code


async def test_w3_a_silent_socket_ends_soon_after_its_session(alice: User, open_socket: Open) -> None:
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

    assert "AISTRALE is restarting" in await socket.receive_from(timeout=5)
