"""Files of users: stored once, sent with messages, seen by whom the message is shared with, erased with their owner."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.utils import timezone
from pytest_django.fixtures import Settings

from accounts.models import Role as UserRole
from accounts.models import User
from accounts.personal_data.erasure import erase_user
from accounts.personal_data.registry import export_rows
from accounts.sharing import EVERYONE, share
from inference.actions import InferenceAction
from inference.attachments.checks import FileRefused, check
from inference.attachments.services import UNUSED_KEPT, delete_unneeded, store_file
from inference.conversations.sharing import copy_branch
from inference.models import Conversation, Message, MessageAttachment, Role, StoredFile
from inference.runs.database import in_thread
from inference.runs.quick_start import read_ahead
from inference.runs.start import RunRefused, RunRequest, StartedRun, start_run
from inference.tests import files
from inference.tests.conftest import StartRuns, until
from inference.tests.fake_provider import FakeProvider
from telemetry.models import ContextMessage, Generation, GenerationContent, Status
from tokens.services import add_token

pytestmark = pytest.mark.django_db


def upload(user: User, content: bytes = b"Hello", name: str = "notes.md") -> StoredFile:
    return store_file(user=user, checked=check(content, name))


def ask(user: User, *stored: StoredFile, conversation: UUID | None = None, **fields: Any) -> StartedRun:
    values: dict[str, Any] = {"provider": "echo", "model": "echo", "text": "Look", "parent_id": None}
    form = RunRequest(**values | {"client_id": uuid4(), "files": tuple(file.digest for file in stored)} | fields)
    started = start_run(user=user, conversation_id=conversation or uuid4(), is_new=conversation is None, form=form)
    assert started is not None
    return started


def answer(started: StartedRun, text: str = "Seen") -> int:
    Generation.objects.filter(message=started.answer_id).update(status=Status.SUCCEEDED, ended_at=timezone.now())
    Message.objects.filter(pk=started.answer_id).update(text=text)
    return started.answer_id


def test_a_file_is_stored_once_for_each_user(alice: User, bob: User) -> None:
    first, again, other = upload(alice), upload(alice, name="other.md"), upload(bob)
    assert first.pk == again.pk != other.pk
    assert list(StoredFile.objects.filter(user=alice).values_list("name", flat=True)) == ["other.md"]


def test_a_full_account_takes_no_more(alice: User, settings: Settings) -> None:
    settings.LIMIT_FILES_MB = 1
    upload(alice, b"x" * 400_000), upload(alice, b"y" * 400_000)
    with pytest.raises(FileRefused, match="1 MB"):
        upload(alice, b"z" * 400_000)


def test_a_call_records_what_it_sends_of_files(alice: User) -> None:
    file = upload(alice, files.image(), "cat.png")
    started = ask(alice, file)
    assert started.order is not None
    (message,) = started.order.request.messages
    assert [(sent.digest, sent.name, sent.content) for sent in message.attachments] == [(file.digest, "cat.png", b"")]
    content = GenerationContent.objects.get(generation=started.order.generation_id)
    (recorded,) = content.sent()
    assert json.loads(recorded.extra) == {
        "attachments": [{"digest": file.digest, "media_type": "image/png", "name": "cat.png"}]
    }


def test_the_next_question_sends_the_files_of_the_branch_again(alice: User) -> None:
    file = upload(alice, files.image(), "cat.png")
    first = ask(alice, file)
    parent = answer(first)
    second = ask(alice, conversation=first.conversation_id, parent_id=parent, text="And now?")
    assert second.order is not None
    assert [len(message.attachments) for message in second.order.request.messages] == [1, 0, 0]


def test_another_answer_has_the_files_of_its_question(alice: User) -> None:
    first = ask(alice, upload(alice, files.image(), "cat.png"))
    again = ask(alice, conversation=first.conversation_id, parent_id=first.question_id, text=None)
    assert again.order is not None
    assert len(again.order.request.messages[0].attachments) == 1


def test_a_file_alone_is_a_message_and_names_its_conversation(alice: User) -> None:
    started = ask(alice, upload(alice, files.image(), "cat.png"), text="")
    assert Conversation.objects.get(pk=started.conversation_id).title == "cat.png"
    assert started.order is not None
    assert len(started.order.request.messages) == 1


def test_files_of_others_cannot_be_sent(alice: User, bob: User) -> None:
    with pytest.raises(RunRefused, match="no longer there"):
        ask(alice, upload(bob))
    assert not Conversation.objects.exists()


def test_a_model_that_cannot_see_is_not_called(alice: User) -> None:
    add_token(owner=alice, actor=None, provider="groq", label="Work", secret="gsk_good1234")
    file = upload(alice, files.image(), "cat.png")
    with pytest.raises(RunRefused, match="llama-3.1-8b-instant cannot read images"):
        ask(alice, file, provider="groq", model="llama-3.1-8b-instant")
    assert not Generation.objects.exists()


def test_nothing_is_read_ahead_of_a_conversation_with_files(alice: User) -> None:
    started = ask(alice, upload(alice))
    answer(started)
    assert read_ahead(alice, started.conversation_id, may_begin=False) is None


@pytest.mark.django_db(transaction=True)
async def test_the_provider_gets_the_bytes_when_the_call_is_made(
    alice: User, fake: FakeProvider, start_runs: StartRuns
) -> None:
    await in_thread(add_token)(
        owner=alice, actor=None, provider="openai", label="W", secret="sk-good-1234", base_url=fake.base_url("openai")
    )
    file = await in_thread(upload)(alice, files.image(), "cat.png")
    started = await in_thread(ask)(alice, file, provider="openai", model="fake-small")
    assert started.order is not None
    runs = await start_runs()
    runs.launch(started.order)
    call = Generation.objects.filter(pk=started.order.generation_id)
    await until(in_thread(call.exclude(status=Status.RUNNING).exists))
    part = fake.last("fake-small").body["messages"][0]["content"][0]
    assert part["image_url"]["url"].startswith("data:image/png;base64,iVBOR")


@pytest.mark.django_db(transaction=True)
async def test_a_call_whose_file_has_gone_fails_with_that_reason(alice: User, start_runs: StartRuns) -> None:
    file = await in_thread(upload)(alice)
    started = await in_thread(ask)(alice, file)
    assert started.order is not None
    await in_thread(MessageAttachment.objects.all().delete)()
    await in_thread(StoredFile.objects.all().delete)()
    runs = await start_runs()
    runs.launch(started.order)
    call = Generation.objects.filter(pk=started.order.generation_id)
    await until(in_thread(call.exclude(status=Status.RUNNING).exists))
    assert (await in_thread(call.get)()).error_type == "file_missing"
    await asyncio.sleep(0)


def test_a_copy_has_files_of_its_own(alice: User, bob: User) -> None:
    started = ask(alice, upload(alice, files.image(), "cat.png"))
    answer(started)
    source = Conversation.objects.get(pk=started.conversation_id)
    share(source, audience=EVERYONE, actor=alice, action=InferenceAction.CONVERSATION_SHARE)
    copy = copy_branch(source=source, leaf=None, actor=bob)
    source.delete()
    StoredFile.objects.filter(user=alice).delete()
    attached = MessageAttachment.objects.get(message__conversation=copy, message__role=Role.USER)
    assert (attached.name, attached.file.user_id, bytes(attached.file.content)[:4]) == ("cat.png", bob.pk, b"\x89PNG")


def test_files_are_seen_by_whom_the_conversation_is_shared_with(alice: User, bob: User) -> None:
    seen, unsent = upload(alice, b"seen"), upload(alice, b"unsent")
    started = ask(alice, seen)
    assert not StoredFile.objects.visible_to(bob).exists()
    source = Conversation.objects.get(pk=started.conversation_id)
    share(source, audience=EVERYONE, actor=alice, action=InferenceAction.CONVERSATION_SHARE)
    assert set(StoredFile.objects.visible_to(bob)) == {seen}
    assert set(StoredFile.objects.visible_to(alice)) == {seen, unsent}


def test_files_that_nothing_needs_are_deleted(alice: User) -> None:
    unused, fresh, held, called = (upload(alice, name.encode()) for name in ("unused", "fresh", "held", "called"))
    ask(alice, held)
    gone = ask(alice, called)
    Conversation.objects.get(pk=gone.conversation_id).delete()
    old = StoredFile.objects.exclude(pk=fresh.pk)
    old.update(created_at=timezone.now() - UNUSED_KEPT - timedelta(hours=1))
    assert delete_unneeded() == 1
    assert set(StoredFile.objects.all()) == {fresh, held, called}
    # What the calls of that month have sent is kept no longer.
    ContextMessage.objects.all().delete()
    assert delete_unneeded() == 1
    assert set(StoredFile.objects.all()) == {fresh, held}
    assert not StoredFile.objects.filter(pk=unused.pk).exists()


def test_files_are_exported_with_their_content(alice: User) -> None:
    file = upload(alice, b"Hello")
    ask(alice, file)
    rows = list(export_rows(alice))
    (exported,) = (row for row in rows if row["kind"] == "file")
    assert (exported["digest"], exported["content_base64"]) == (file.digest, "SGVsbG8=")
    asked = next(row for row in rows if row["kind"] == "message" and row["role"] == Role.USER)
    assert asked["files"] == [{"file": file.digest, "name": "notes.md"}]


def test_files_are_erased_with_their_owner(alice: User, bob: User, admin: User) -> None:
    assert admin.role == UserRole.ADMINISTRATOR
    ask(alice, upload(alice))
    upload(bob)
    erase_user(user=alice, actor=admin)
    assert [file.user for file in StoredFile.objects.all()] == [bob]
