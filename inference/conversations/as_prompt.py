"""A conversation as the draft of a prompt."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from django.http import QueryDict

from inference.conversations.thread import branch_of
from inference.models import Conversation, Message, Role
from prompts.drafts import Draft
from prompts.pages.prefill import Prefill

if TYPE_CHECKING:
    from accounts.models import User

# The editor sends two fields for each message, and a form has no more than 1,000.
MOST_MESSAGES = 400


def prefill_from(user: User, query: QueryDict) -> Prefill | None:
    """Of ``conversation``, the branch through the message ``leaf``, or else the newest one; of it ``only`` one message.

    Raises Conversation.DoesNotExist for one that the user may not read.
    """
    if "conversation" not in query:
        return None
    conversation = _visible(user, query.get("conversation", ""))
    if only := _number_in(query.get("only", "")):
        branch = list(conversation.messages.filter(pk=only))
    else:
        branch = branch_of(conversation, _number_in(query.get("leaf", "")))
    said = [_stored(message) for message in branch if message.text.strip()]
    system = [{"type": "chatmessage", "role": "system", "content": conversation.system}] if conversation.system else []
    draft = Draft(
        [*system, *said[-MOST_MESSAGES:]],
        provider=conversation.provider,
        model=conversation.model,
        parameters=conversation.parameters,
    )
    note = f"Only the last {MOST_MESSAGES} messages were taken." if len(said) > MOST_MESSAGES else ""
    return Prefill(draft, f"From the conversation “{conversation.title}”", note)


def _number_in(text: str) -> int | None:
    return int(text) if text.isdecimal() and len(text) < 19 else None


def _visible(user: User, pk: str) -> Conversation:
    try:
        return Conversation.objects.visible_to(user).get(pk=UUID(pk))
    except ValueError as error:
        raise Conversation.DoesNotExist from error


def _stored(message: Message) -> dict[str, str]:
    role = "user" if message.role == Role.USER else "assistant"
    return {"type": "chatmessage", "role": role, "content": message.text}
