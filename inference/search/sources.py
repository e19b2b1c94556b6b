"""What is indexed of calls, conversations and prompts, and whether it may leave this server to be embedded.

Rows are locked against deletion until the transaction ends: what is erased meanwhile waits, and then finds the places.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection

from accounts.sharing import Visibility
from inference.models import Conversation, Message
from inference.search.models import Consent, Kind
from prompts.models import Prompt, PromptVersion
from telemetry.models import GenerationContent, Status


@dataclass(frozen=True, slots=True)
class Part:
    """All of what one part of an object says now."""

    kind: Kind
    object_id: UUID
    name: str
    text: str
    owner_id: int | None = None
    may_leave: bool = False


_QUESTIONS = """
SELECT content.generation_id, message.text
FROM unnest(%s::uuid[]) AS call (id)
JOIN telemetry_generationcontent AS content ON content.generation_id = call.id
JOIN telemetry_generation AS generation ON generation.id = call.id
JOIN telemetry_contextmessage AS message
  ON message.user_id = generation.user_id AND message.period = content.period AND message.digest = content.head
WHERE message.role = 'user'
"""


def parts_of_calls(keys: Sequence[str]) -> Iterator[Part]:
    """The user's last turn, and the answer once it is complete. The system prompt is left out: calls share it."""
    rows = GenerationContent.objects.filter(
        pk__in=[UUID(key) for key in keys], generation__user__isnull=False
    ).select_related("generation")
    contents = list(rows.select_for_update(no_key=True, of=("self",)))
    with connection.cursor() as cursor:
        cursor.execute(_QUESTIONS, [[content.pk for content in contents]])
        questions: dict[UUID, str] = dict(cursor.fetchall())
    consents = _consents({content.generation.user_id for content in contents})
    for content in contents:
        owner = content.generation.user_id
        question = questions.get(content.pk)
        texts = {"question": _last_question(content) if question is None else question}
        if content.generation.status != Status.RUNNING:
            texts["answer"] = content.response_text
        for name, text in texts.items():
            yield Part(Kind.CALL, content.pk, name, text, owner, owner in consents)


def _last_question(content: GenerationContent) -> str:
    """Of a call that ends with the result of a tool, or has none."""
    return next((message.text for message in reversed(content.sent()) if message.role == "user"), "")


def _consents(users: Any) -> set[int]:
    return set(Consent.objects.filter(user__in=users).values_list("user_id", flat=True))


def parts_of_messages(keys: Sequence[str]) -> Iterator[Part]:
    rows = Message.objects.filter(pk__in=[int(key) for key in keys]).select_related("conversation")
    messages = list(rows.select_for_update(no_key=True, of=("self",)))
    consents = _consents({message.conversation.owner_id for message in messages})
    for message in messages:
        may_leave = _may_leave(message.conversation, consents)
        name = f"message {message.pk}"
        yield Part(Kind.CONVERSATION, message.conversation_id, name, message.text, may_leave=may_leave)


def parts_of_conversations(keys: Sequence[str]) -> Iterator[Part]:
    conversations = list(Conversation.objects.filter(pk__in=keys).select_for_update(no_key=True))
    consents = _consents({conversation.owner_id for conversation in conversations})
    for conversation in conversations:
        may_leave = _may_leave(conversation, consents)
        yield Part(Kind.CONVERSATION, conversation.pk, "title", conversation.title, may_leave=may_leave)


def parts_of_prompts(keys: Sequence[str]) -> Iterator[Part]:
    prompts = list(Prompt.objects.filter(pk__in=keys).select_for_update(no_key=True))
    consents = _consents({prompt.owner_id for prompt in prompts})
    for prompt in prompts:
        text = f"{prompt.name}\n{prompt.description}"
        yield Part(Kind.PROMPT, prompt.pk, "name", text, may_leave=_may_leave(prompt, consents))


def parts_of_versions(keys: Sequence[str]) -> Iterator[Part]:
    rows = PromptVersion.objects.filter(pk__in=[int(key) for key in keys]).select_related("prompt")
    versions = list(rows.select_for_update(no_key=True, of=("self",)))
    consents = _consents({version.prompt.owner_id for version in versions})
    for version in versions:
        may_leave = _may_leave(version.prompt, consents)
        name = f"version {version.number}"
        yield Part(Kind.PROMPT, version.prompt_id, name, body_text(version.body), may_leave=may_leave)


def _may_leave(thing: Conversation | Prompt, consents: set[int]) -> bool:
    return thing.visibility != Visibility.PRIVATE or thing.owner_id in consents


def body_text(body: Any) -> str:
    """What a prompt says, message after message."""
    if isinstance(body, str):
        return body
    return "\n\n".join(str(message.get("content") or "") for message in body if isinstance(message, Mapping))


SOURCES: Mapping[str, Callable[[Sequence[str]], Iterator[Part]]] = {
    "call": parts_of_calls,
    "message": parts_of_messages,
    "conversation": parts_of_conversations,
    "prompt": parts_of_prompts,
    "version": parts_of_versions,
}
