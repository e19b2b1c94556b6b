"""What this app keeps of a person: conversations, and what is going on in them."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from functools import partial
from uuid import UUID

import redis
from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from accounts.models import User
from accounts.personal_data.registry import PersonalDataHandler, Values, in_batches, values_of
from inference.models import Conversation, FavouriteModel, Message, MessageAttachment, ParameterPreset, StoredFile
from inference.runs.finish import stop_runs_of
from inference.runs.relay import STOP_CHANNEL
from telemetry.models import Generation
from tokens.models import ProviderToken

_CONVERSATION = (
    "id", "title", "visibility", "is_pinned", "is_archived", "provider", "model", "token_id", "system", "parameters",
    "created_at", "updated_at", "deleted_at",
)  # fmt: skip
_FILE = ("digest", "name", "media_type", "size", "created_at")
_MESSAGE = ("id", "parent_id", "role", "text", "reasoning", "thought_ms", "tool_calls", "generation_id", "created_at")


def export(user: User) -> Iterator[Values]:
    for conversation in in_batches(Conversation.objects.filter(owner=user)):
        yield values_of(conversation, "conversation", *_CONVERSATION)
        for message in in_batches(conversation.messages.all()):
            names = [{"file": row.file.digest, "name": row.name} for row in _attached(message)]
            yield {**values_of(message, "message", *_MESSAGE), "conversation": conversation.pk, "files": names}
    for favourite in FavouriteModel.objects.filter(user=user):
        yield values_of(favourite, "favourite model", "provider", "model", "token_id", "created_at")
    for preset in ParameterPreset.objects.filter(owner=user):
        yield values_of(preset, "parameter preset", "name", "parameters", "created_at")
    for pk in StoredFile.objects.filter(user=user).order_by("pk").values_list("pk", flat=True):
        # One after the other: a batch of them would be hundreds of megabytes.
        if file := StoredFile.objects.defer("thumbnail").filter(pk=pk).first():
            yield {**values_of(file, "file", *_FILE), "content_base64": b64encode(file.content).decode()}


def _attached(message: Message) -> QuerySet[MessageAttachment]:
    return message.attachments.select_related("file").only("name", "file__digest")


def erase(user: User, actor: User | None) -> dict[str, int]:
    """Runs end here as stopped; whoever makes the call hears of it once the erasure is certain."""
    running = stop_runs_of(user=user)
    transaction.on_commit(partial(_stop, running), robust=True)
    # Calls that others have made with a token that this person had named.
    theirs = ProviderToken.objects.filter(owner=user).values("pk")
    Generation.objects.filter(token_id__in=theirs).update(token_label="")
    conversations = Conversation.objects.filter(owner=user)
    count = conversations.count()
    conversations.delete()
    FavouriteModel.objects.filter(user=user).delete()
    ParameterPreset.objects.filter(owner=user).delete()
    # After the messages that hold them.
    files, _ = StoredFile.objects.filter(user=user).without_content().delete()
    return {"conversations": count, "files": files}


def _stop(generation_ids: list[UUID]) -> None:
    with redis.Redis.from_url(settings.REDIS_URL, socket_timeout=4, socket_connect_timeout=2) as client:
        for pk in generation_ids:
            client.publish(STOP_CHANNEL, str(pk))


HANDLER = PersonalDataHandler(
    "inference",
    export,
    erase,
    covers=frozenset(
        {
            "inference.conversation.owner",
            "inference.storedfile.user",
            "inference.favouritemodel.user",
            "inference.parameterpreset.owner",
        }
    ),
    # Calls are stopped and lose the names of tokens while it is still known whose they are.
    before=frozenset({"telemetry", "tokens"}),
)
