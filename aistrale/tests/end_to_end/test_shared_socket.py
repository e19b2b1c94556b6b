"""The socket of somebody who reads a conversation of somebody else."""

from __future__ import annotations

import json
from uuid import uuid4

import pytest

from accounts.models import Membership, Team, User
from accounts.sharing import PRIVATE, share
from accounts.teams.services import delete_team, remove_member
from aistrale.tests.sockets import Open, closed, everything, new_path, question
from inference.actions import InferenceAction
from inference.models import Conversation
from inference.runs.database import in_thread
from telemetry.models import Generation, Status

pytestmark = pytest.mark.django_db(transaction=True)
LONG = {"param-delay_ms": 30, "param-length": 100}


@pytest.fixture
def shared(alice: User, team: Team) -> Conversation:
    return Conversation.objects.create(owner=alice, title="Plans", visibility="team", team=team)


def path(conversation: Conversation) -> str:
    return f"/ws/chat/{conversation.pk}/"


async def test_it_streams_to_a_reader_what_is_running(
    bob: User, alice: User, shared: Conversation, open_socket: Open
) -> None:
    writer, _, _ = await open_socket(alice, path(shared))
    await writer.send_to(question(**LONG))
    await everything(writer, until='id="tail-')
    reader, _, _ = await open_socket(bob, path(shared))
    await reader.send_to('{"type": "watch"}')
    received = await everything(reader, until='data-status="succeeded"')

    assert 'hx-swap-oob="innerHTML"' in received
    assert "Regenerate" not in received and "/telemetry/" not in received


async def test_it_tells_a_reader_of_a_question_asked_meanwhile(
    bob: User, alice: User, shared: Conversation, open_socket: Open
) -> None:
    reader, _, _ = await open_socket(bob, path(shared))
    await everything(reader, until='data-newest="0"')
    writer, _, _ = await open_socket(alice, path(shared))
    await writer.send_to(question())
    await everything(writer, until='data-status="succeeded"')
    newest = await in_thread(lambda: shared.messages.latest("pk").pk)()

    assert f'data-newest="{newest}"' in await everything(reader, until='id="news"')


async def test_it_answers_a_stranger_as_if_there_were_no_such_conversation(
    charlie: User, admin: User, shared: Conversation, open_socket: Open
) -> None:
    for user in (charlie, admin):
        _, *here = await open_socket(user, path(shared))
        _, *nowhere = await open_socket(user, f"/ws/chat/{uuid4()}/")
        assert here == nowhere == [False, 4404]


async def test_it_refuses_a_reader_a_run(bob: User, shared: Conversation, open_socket: Open) -> None:
    reader, _, _ = await open_socket(bob, path(shared))
    await reader.send_to(question())

    assert await closed(reader) == 4404
    assert not await in_thread(Generation.objects.exists)()


async def test_it_lets_no_reader_stop_a_run(bob: User, alice: User, shared: Conversation, open_socket: Open) -> None:
    writer, _, _ = await open_socket(alice, path(shared))
    await writer.send_to(question(**LONG))
    await everything(writer, until='id="tail-')
    generation = await in_thread(Generation.objects.get)()
    reader, _, _ = await open_socket(bob, path(shared))
    await reader.send_to(json.dumps({"type": "stop", "generation": str(generation.pk)}))
    await everything(writer, until='data-status="succeeded"')

    assert (await in_thread(Generation.objects.get)()).status == Status.SUCCEEDED


@pytest.mark.parametrize("step", ["removed", "taken back", "team deleted", "conversation deleted"])
async def test_a_silent_reader_ends_soon_after_the_right_to_read(
    bob: User, alice: User, team: Team, shared: Conversation, open_socket: Open, step: str
) -> None:
    reader, _, _ = await open_socket(bob, path(shared))
    writer, _, _ = await open_socket(alice, path(shared))
    other, _, _ = await open_socket(bob, new_path(bob))
    steps = {
        "removed": lambda: remove_member(team=team, user=bob, actor=alice),
        "taken back": lambda: share(shared, audience=PRIVATE, actor=alice, action=InferenceAction.CONVERSATION_SHARE),
        "team deleted": lambda: delete_team(team=team, actor=alice),
        "conversation deleted": lambda: shared.delete(),
    }
    await in_thread(steps[step])()

    assert await closed(reader) == 4404
    assert await other.receive_nothing(timeout=0.1) and await writer.receive_nothing(timeout=0.1)


async def test_it_asks_for_the_right_at_each_message(
    bob: User, alice: User, shared: Conversation, open_socket: Open
) -> None:
    writer, _, _ = await open_socket(alice, path(shared))
    await writer.send_to(question(**LONG))
    await everything(writer, until='id="tail-')
    reader, _, _ = await open_socket(bob, path(shared))
    await in_thread(Membership.objects.filter(user=bob).delete)()
    await reader.send_to('{"type": "watch"}')
    answer = await reader.receive_output(timeout=5)

    # Nothing of the text before the end.
    assert (answer["type"], answer.get("code")) == ("websocket.close", 4404)
