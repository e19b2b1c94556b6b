"""Uploading, seeing and downloading files: by whom, in what form, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from PIL import Image
from pytest_django.fixtures import Settings

from accounts.models import User
from accounts.sharing import EVERYONE, share
from inference.actions import InferenceAction
from inference.chat.forms import RunForm
from inference.models import Conversation, StoredFile
from inference.runs.start import RunRequest, start_run
from inference.tests import files

pytestmark = pytest.mark.django_db
ClientOf = Callable[[User], Client]
PAGES = ["content", "download", "thumbnail", "view"]


def upload(client: Client, content: bytes, name: str = "file.bin") -> Any:
    return client.post(reverse("inference:file-list"), {"file": SimpleUploadedFile(name, content)})


def url(page: str, digest: str) -> str:
    return reverse(f"inference:file-{page}", args=[digest])


@pytest.fixture
def mine(client_of: ClientOf, alice: User) -> Client:
    return client_of(alice)


@pytest.fixture
def cat(mine: Client) -> StoredFile:
    assert upload(mine, files.image(), "cat.png").status_code == 201
    return StoredFile.objects.get()


@pytest.fixture
def asked(alice: User, cat: StoredFile) -> Conversation:
    form = RunRequest(
        provider="echo", model="echo", text="Look", parent_id=None, client_id=uuid4(), files=(cat.digest,)
    )
    started = start_run(user=alice, conversation_id=uuid4(), is_new=True, form=form)
    assert started is not None
    return Conversation.objects.get(pk=started.conversation_id)


def test_an_upload_is_answered_with_what_the_composer_shows(mine: Client) -> None:
    answer = upload(mine, files.image(), '"><script>alert(1)</script>.png')
    assert answer.status_code == 201
    html = answer.content.decode()
    assert f'name="attachments" value="{StoredFile.objects.get().digest}"' in html
    assert "<script>" not in html


@pytest.mark.parametrize(
    ("content", "status", "words"),
    [
        (b"\x00\x01", 422, "not supported"),
        (files.png_bomb(), 422, "megapixels"),
        (b"<svg onload='alert(1)'/>", 422, "SVG"),
        (b"x" * (20 * 1024 * 1024 + 1), 413, "20 MB"),
    ],
)
def test_a_refusal_says_why_in_plain_text(mine: Client, content: bytes, status: int, words: str) -> None:
    answer = upload(mine, content, "x.png")
    assert (answer.status_code, answer["Content-Type"]) == (status, "text/plain; charset=utf-8")
    assert words in answer.content.decode()
    assert not StoredFile.objects.exists()


def test_nothing_is_an_empty_file(mine: Client) -> None:
    assert mine.post(reverse("inference:file-list")).status_code == 400
    assert upload(mine, b"").status_code == 422


def test_who_uploads_too_often_has_to_wait(mine: Client, settings: Settings) -> None:
    settings.LIMIT_UPLOADS_PER_MINUTE = 1
    # The minute may end between the two.
    assert 429 in [upload(mine, b"Hello").status_code for _ in range(3)]


def test_an_image_is_shown_and_nothing_else_is(mine: Client, cat: StoredFile) -> None:
    shown = mine.get(url("content", cat.digest))
    assert (shown["Content-Type"], shown["Content-Disposition"]) == ("image/png", 'inline; filename="cat.png"')
    assert shown["X-Content-Type-Options"] == "nosniff"
    assert shown["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert shown["Cache-Control"] == "private, no-cache"
    upload(mine, b"<script>alert(1)</script>", "page.html")
    page = StoredFile.objects.get(media_type="text/plain")
    saved = mine.get(url("content", page.digest))
    assert (saved["Content-Type"], saved["Content-Disposition"]) == (
        "text/plain; charset=utf-8",
        'attachment; filename="page.html"',
    )


def test_a_download_is_an_attachment(mine: Client, cat: StoredFile) -> None:
    assert mine.get(url("download", cat.digest))["Content-Disposition"] == 'attachment; filename="cat.png"'


def test_a_thumbnail_is_small_and_an_image_opens_in_the_dialog(mine: Client, cat: StoredFile) -> None:
    thumbnail = mine.get(url("thumbnail", cat.digest))
    assert Image.open(BytesIO(thumbnail.content)).format == "WEBP"
    dialog = mine.get(url("view", cat.digest), headers={"HX-Request": "true"}).content.decode()
    assert 'alt="cat.png"' in dialog
    assert url("download", cat.digest) in dialog


def test_a_browser_that_has_it_gets_it_only_once(mine: Client, cat: StoredFile) -> None:
    etag = mine.get(url("content", cat.digest))["ETag"]
    again = mine.get(url("content", cat.digest), headers={"If-None-Match": etag})
    assert (again.status_code, again.content) == (304, b"")


def test_strangers_find_nothing(client_of: ClientOf, bob: User, cat: StoredFile) -> None:
    theirs = client_of(bob)
    for digest in (cat.digest, "0" * 64, "x"):
        answers = [theirs.get(url(page, digest)) for page in PAGES]
        assert {answer.status_code for answer in answers} == {404}
    assert cat.digest not in theirs.get(reverse("inference:file-list"), {"digest": cat.digest}).content.decode()


def test_files_are_seen_as_long_as_their_conversation_is_shared(
    client_of: ClientOf, alice: User, bob: User, cat: StoredFile, asked: Conversation
) -> None:
    theirs = client_of(bob)
    assert theirs.get(url("content", cat.digest)).status_code == 404
    share(asked, audience=EVERYONE, actor=alice, action=InferenceAction.CONVERSATION_SHARE)
    assert theirs.get(url("content", cat.digest)).status_code == 200
    assert url("thumbnail", cat.digest) in theirs.get(asked.get_absolute_url()).content.decode()
    etag = theirs.get(url("content", cat.digest))["ETag"]
    asked.delete()
    assert theirs.get(url("content", cat.digest), headers={"If-None-Match": etag}).status_code == 404


def test_a_message_shows_its_files(mine: Client, cat: StoredFile, asked: Conversation) -> None:
    html = mine.get(asked.get_absolute_url()).content.decode()
    assert f'data-files="{cat.digest}"' in html
    assert 'alt="cat.png"' in html


def test_the_record_of_a_call_shows_its_files_to_its_user_and_names_them_to_administrators(
    mine: Client, client_of: ClientOf, admin: User, cat: StoredFile, asked: Conversation
) -> None:
    call = asked.messages.exclude(generation=None).get().generation
    assert call is not None
    assert url("thumbnail", cat.digest) in mine.get(call.get_absolute_url()).content.decode()
    seen = client_of(admin).get(call.get_absolute_url()).content.decode()
    assert "cat.png" in seen
    assert url("thumbnail", cat.digest) not in seen


def form(**fields: object) -> RunForm:
    return RunForm({"type": "run", "text": "", "provider": "echo", "model": "echo", "client_id": str(uuid4())} | fields)


def test_a_message_may_be_files_alone() -> None:
    checked = form(attachments="a b a")
    assert checked.is_valid()
    assert checked.to_request().files == ("a", "b")
    assert form(attachments=" ").errors == {"text": ["Write a message first."]}


def test_a_message_has_few_files() -> None:
    assert form(attachments=" ".join(map(str, range(11)))).errors["attachments"] == ["A message has at most 10 files."]
