"""Files of users: stored once for each, attached to messages, read for the calls that send them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Exists, OuterRef, Q, Sum
from django.utils import timezone

from inference.attachments.checks import CheckedFile, FileRefused
from inference.models import Message, MessageAttachment, StoredFile
from inference.providers.base import Attachment, ChatMessage, ChatRequest
from telemetry.context import period_of
from telemetry.models import ContextMessage

if TYPE_CHECKING:
    from accounts.models import User

# How long an upload may wait for the message that it is meant for.
UNUSED_KEPT = timedelta(days=2)


class FilesMissing(Exception):
    """Files that are not stored, or not the user's."""


def store_file(*, user: User, checked: CheckedFile) -> StoredFile:
    """Once, however often it comes. Raises FileRefused where the user has no room left."""
    row = StoredFile(
        user=user,
        digest=checked.digest,
        name=checked.name,
        media_type=checked.media_type,
        size=len(checked.content),
        width=checked.width,
        height=checked.height,
        pages=checked.pages,
        tokens=checked.tokens,
        content=checked.content,
        thumbnail=checked.thumbnail,
    )
    _check_room(user, row)
    # Uploaded again, it is kept as long as a new one.
    (stored,) = StoredFile.objects.bulk_create(
        [row], update_conflicts=True, unique_fields=["user", "digest"], update_fields=["name", "created_at"]
    )
    return stored


def _check_room(user: User, row: StoredFile) -> None:
    most = settings.LIMIT_FILES_MB * 1024 * 1024
    others = StoredFile.objects.filter(user=user).exclude(digest=row.digest)
    if most and (others.aggregate(sum=Sum("size", default=0))["sum"] + row.size) > most:
        raise FileRefused(
            f"Your files take {settings.LIMIT_FILES_MB:,} MB, which is all the room there is."
            " Delete conversations with files that you no longer need."
        )


def own_files(user: User, digests: Sequence[str]) -> list[StoredFile]:
    """In that order. Raises FilesMissing where one is not the user's."""
    found = {row.digest: row for row in StoredFile.objects.without_content().filter(user=user, digest__in=digests)}
    if len(found) < len(set(digests)):
        raise FilesMissing
    return [found[digest] for digest in dict.fromkeys(digests)]


def attach(*, message: Message, files: Sequence[StoredFile]) -> None:
    MessageAttachment.objects.bulk_create(
        MessageAttachment(message=message, file=file, position=position, name=file.name)
        for position, file in enumerate(files)
    )


def attachments_of(messages: Collection[Message]) -> dict[int, list[MessageAttachment]]:
    """By message, with their files, but without the bytes."""
    found: dict[int, list[MessageAttachment]] = {}
    rows = MessageAttachment.objects.filter(message__in=messages).select_related("file")
    for row in rows.defer("file__content", "file__thumbnail").order_by("message_id", "position"):
        found.setdefault(row.message_id, []).append(row)
    return found


def as_sent_files(rows: Mapping[int, Sequence[MessageAttachment]]) -> dict[int, tuple[Attachment, ...]]:
    """As a call sends them, their bytes still to be read: see ``with_content``."""
    return {
        pk: tuple(Attachment(row.file.digest, row.name, row.file.media_type, b"") for row in attached)
        for pk, attached in rows.items()
    }


def note_sent(files: Collection[StoredFile]) -> None:
    """A call of this month sends them: they stay as long as what calls of this month have sent."""
    period = period_of(timezone.now())
    older = StoredFile.objects.filter(Q(period=None) | Q(period__lt=period), pk__in=[file.pk for file in files])
    older.update(period=period)


def with_content(request: ChatRequest, *, user_id: int | None) -> ChatRequest:
    """The request with the bytes of its files, each read once. Raises FilesMissing."""
    wanted = {file.digest for message in request.messages for file in message.attachments if not file.content}
    rows = StoredFile.objects.filter(user=user_id, digest__in=wanted).values_list("digest", "content")
    contents = {digest: bytes(content) for digest, content in rows}
    if contents.keys() != wanted:
        raise FilesMissing("A file of this conversation is no longer stored.")
    return replace(request, messages=tuple(_filled(message, contents) for message in request.messages))


def _filled(message: ChatMessage, contents: Mapping[str, bytes]) -> ChatMessage:
    if not message.attachments:
        return message
    files = (replace(file, content=file.content or contents[file.digest]) for file in message.attachments)
    return replace(message, attachments=tuple(files))


_COPY = """
INSERT INTO inference_storedfile (user_id, digest, name, media_type, size, width, height, pages, tokens, content,
  thumbnail, created_at)
SELECT %(owner)s, digest, name, media_type, size, width, height, pages, tokens, content, thumbnail, now()
FROM inference_storedfile WHERE id = ANY(%(files)s)
ON CONFLICT DO NOTHING
"""


def copies_of(files: Collection[StoredFile], *, owner: User) -> list[StoredFile]:
    """The same files as the owner's own, in that order."""
    with connection.cursor() as cursor:
        cursor.execute(_COPY, {"owner": owner.pk, "files": [file.pk for file in files]})
    return own_files(owner, [file.digest for file in files])


def copy_attachments(copies: Mapping[int, Message], *, owner: User) -> None:
    """From the messages with these ids to their copies, whose owner gets files of their own."""
    attached = MessageAttachment.objects.filter(message__in=copies).select_related("file")
    rows = list(attached.defer("file__content", "file__thumbnail"))
    own = {file.digest: file for file in copies_of([row.file for row in rows], owner=owner)}
    MessageAttachment.objects.bulk_create(
        MessageAttachment(
            message=copies[row.message_id], file=own[row.file.digest], position=row.position, name=row.name
        )
        for row in rows
    )


def delete_unneeded() -> int:
    """Files that nothing holds and that no kept call has sent. Returns how many there were."""
    held = StoredFile.objects.held().filter(pk=OuterRef("pk"))
    sent = ContextMessage.objects.filter(user=OuterRef("user"), period=OuterRef("period"))
    old = StoredFile.objects.filter(~Exists(held), ~Exists(sent), created_at__lt=timezone.now() - UNUSED_KEPT)
    with transaction.atomic():
        # Locked, and looked at again by then: what is uploaded or sent meanwhile stays.
        unneeded = list(old.select_for_update().values_list("pk", flat=True))
        StoredFile.objects.filter(pk__in=unneeded).without_content().delete()
    return len(unneeded)
