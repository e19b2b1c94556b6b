"""Letting others read a conversation, and going on from what one has read."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.db import transaction
from django.db.models import Max, OuterRef

from accounts.models import User
from audit.services import record
from inference.actions import InferenceAction
from inference.attachments.services import copy_attachments
from inference.conversations.thread import branch_of
from inference.models import Conversation, Message, Role

Pair = tuple[int, UUID]


@transaction.atomic
def copy_branch(*, source: Conversation, leaf: int | None, actor: User) -> Conversation:
    """A conversation of the actor's own that begins with the texts and files of a branch, up to its last answer."""
    settings = {name: getattr(source, name) for name in ("title", "provider", "model", "system", "parameters")}
    # Whether the actor may use the key too is seen when the copy is asked something.
    copy = Conversation.objects.create(owner=actor, token_id=source.token_id, **settings)
    parent, copies = None, {}
    for message in _up_to_an_answer(branch_of(source, leaf)):
        parent = copies[message.pk] = Message.objects.create(
            conversation=copy,
            parent=parent,
            role=message.role,
            text=message.text,
            reasoning=message.reasoning,
            tool_calls=message.tool_calls,
        )
    copy_attachments(copies, owner=actor)
    record(action=InferenceAction.CONVERSATION_COPY, actor=actor, target=copy, after={"from": str(source.pk)})
    return copy


def _up_to_an_answer(messages: list[Message]) -> list[Message]:
    """Another question goes under an answer, so one that has come to nothing is left out with its question."""
    while messages and not (messages[-1].role == Role.ASSISTANT and (messages[-1].text or messages[-1].tool_calls)):
        messages = messages[:-1]
    return messages


def newest_seen(pairs: Collection[Pair]) -> dict[Pair, int]:
    """The id of the newest message by user and conversation, without those that the user may not see (any more).

    Two questions for however many pairs.
    """
    users, wanted = {user for user, _ in pairs}, {conversation for _, conversation in pairs}
    seen = Conversation.objects.filter(pk__in=wanted).visible_to_each(OuterRef("pk")).order_by().values("pk")
    found = User.objects.filter(pk__in=users, is_active=True).values_list("pk", ArraySubquery(seen))
    messages = Message.objects.filter(conversation__in=wanted).order_by()
    newest = dict(messages.values_list("conversation").annotate(Max("pk")))
    return {(user, pk): newest.get(pk, 0) for user, conversations in found for pk in conversations}
