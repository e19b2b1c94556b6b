"""A run is stopped at any moment, also before the page knows that it has begun."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from accounts.models import User
from aistrale.tests.sockets import Open, everything, new_path, question
from audit.models import AuditEvent
from inference.models import Message, Role
from inference.runs.database import in_thread
from telemetry.models import Generation, Status

pytestmark = pytest.mark.django_db(transaction=True)


def stop_of(message: str) -> str:
    return json.dumps({"type": "stop", "client_id": json.loads(message)["client_id"]})


LONG: dict[str, Any] = {"param-delay_ms": 100, "param-length": 500}


async def test_it_stops_a_run_whose_id_the_page_does_not_know_yet(alice: User, open_socket: Open) -> None:
    socket, _, _ = await open_socket(alice, new_path(alice))
    message = question(**LONG)
    await socket.send_to(message)
    await socket.send_to(stop_of(message))
    await everything(socket, until='data-status="stopped"')

    assert (await in_thread(Generation.objects.get)()).status == Status.STOPPED


async def test_it_stops_another_answer_to_the_same_question_as_early(alice: User, open_socket: Open) -> None:
    socket, _, _ = await open_socket(alice, new_path(alice))
    await socket.send_to(question())
    await everything(socket, until='data-status="succeeded"')
    asked = await in_thread(Message.objects.get)(role=Role.USER)
    again = question(type="again", parent=asked.pk, **LONG)
    await socket.send_to(again)
    await socket.send_to(stop_of(again))
    await everything(socket, until='data-status="stopped"')

    assert await in_thread(Generation.objects.filter(status=Status.SUCCEEDED).count)() == 1


async def test_it_honours_a_stop_that_overtakes_its_message(alice: User, open_socket: Open) -> None:
    first, _, _ = await open_socket(alice, new_path(alice))
    second, _, _ = await open_socket(alice, new_path(alice))
    message = question(**LONG)
    await second.send_to(stop_of(message))
    await second.receive_nothing(timeout=0.3)
    await first.send_to(message)
    await everything(first, until='data-status="stopped"')

    assert not (await in_thread(Message.objects.get)(role=Role.ASSISTANT)).text
    assert await in_thread(AuditEvent.objects.filter(action="inference:run:stop", actor=alice.audit_id).count)() == 1


@pytest.mark.fault
async def test_f_a_stop_at_any_moment_of_the_start_is_honoured(
    alice: User, open_socket: Open, chance: Random, check_invariants: Callable[..., None]
) -> None:
    path = new_path(alice)
    first, _, _ = await open_socket(alice, path)
    second, _, _ = await open_socket(alice, path)
    message = question(**LONG)
    await first.send_to(message)
    await asyncio.sleep(chance.uniform(0, 0.2))
    await second.send_to(stop_of(message))
    await everything(first, until='data-status="stopped"')
    await in_thread(check_invariants)()


async def test_it_does_not_let_a_stranger_stop_what_is_being_started(
    alice: User, charlie: User, open_socket: Open
) -> None:
    stranger, _, _ = await open_socket(charlie, new_path(charlie))
    socket, _, _ = await open_socket(alice, new_path(alice))
    message = question(**{"param-delay_ms": 10, "param-length": 30})
    await stranger.send_to(stop_of(message))
    await socket.send_to(message)
    await stranger.send_to(stop_of(message))

    assert 'data-status="succeeded"' in await everything(socket, until='title="Show figures"')
