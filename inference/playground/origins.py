"""What a new playground begins with: a version of a prompt, a message, a recorded call, or nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from uuid import UUID

from inference.attachments.services import attachments_of
from inference.chat.composer import new_composer
from inference.conversations.forms import id_from
from inference.conversations.thread import branch_of
from inference.models import Conversation, Message, Role, StoredFile
from prompts.drafts import Draft
from prompts.models import Prompt, PromptVersion
from telemetry.context import SentMessage
from telemetry.models import Generation
from tokens.services import pick_token

if TYPE_CHECKING:
    from accounts.models import User

NO_LONGER_KEPT = "The content of this call is no longer stored: the panel has only its model and parameters."
EARLIER_FILES = "Files of earlier messages were left out: a playground sends its files with the last message."
FILES_GONE = "A file that was sent is no longer stored. It was left out."


@dataclass(frozen=True, slots=True)
class Origin:
    """``files`` are those of the last message, whosever they are; ``notes`` say what could not be taken over."""

    title: str
    draft: Draft
    version: PromptVersion | None = None
    values: Mapping[str, str] = field(default_factory=dict)
    token_id: UUID | None = None
    files: Sequence[StoredFile] = ()
    notes: Sequence[str] = ()


def origin_of(user: User, query: Mapping[str, str]) -> Origin:
    """Of ``prompt`` (with ``version``), ``message`` or ``call``.

    Raises ObjectDoesNotExist for what is not to be read.
    """
    if prompt_id := query.get("prompt"):
        return _of_prompt(user, _uuid(prompt_id, Prompt), query.get("version", ""))
    if message_id := query.get("message"):
        return _of_message(user, id_from(message_id) or 0)
    if call_id := query.get("call"):
        return _of_call(user, _uuid(call_id, Generation))
    composer = new_composer(user)
    body = [_stored("system", ""), _stored("user", "")]
    return Origin("Untitled", Draft(body, provider=composer.provider, model=composer.model))


def _of_prompt(user: User, prompt_id: UUID, number: str) -> Origin:
    prompt = Prompt.objects.visible_to(user).get(pk=prompt_id)
    versions = prompt.versions.select_related("prompt")
    wanted = int(number) if number.isdecimal() and len(number) < 10 else prompt.last_number
    version = versions.get(number=wanted)
    draft = version.draft
    if not draft.model:
        composer = new_composer(user)
        draft = _with_model(draft, composer.provider, composer.model)
    samples = {variable.name: variable.sample for variable in draft.variables if variable.sample}
    return Origin(f"{prompt.name} v{version.number}", draft, version, samples)


def _of_message(user: User, message_id: int) -> Origin:
    """All that was said up to the message, or up to the question that it answers."""
    visible = Message.objects.filter(conversation__in=Conversation.objects.visible_to(user))
    message = visible.select_related("conversation", "generation").get(pk=message_id)
    conversation, call = message.conversation, message.generation
    asked = message.parent_id if message.role == Role.ASSISTANT and message.parent_id else message.pk
    branch = branch_of(conversation, message.pk)
    branch = branch[: 1 + next(place for place, one in enumerate(branch) if one.pk == asked)]
    attached = attachments_of(branch)
    said = [
        _stored("user" if one.role == Role.USER else "assistant", one.text)
        for one in branch
        if one.text or one.pk in attached
    ]
    system = [_stored("system", conversation.system)] if conversation.system else []
    provider, model, token_id = conversation.provider, conversation.model, conversation.token_id
    if call is not None:
        provider, model, token_id = call.provider, call.request_model, call.token_id
    parameters = conversation.parameters if call is None else call.parameters
    files = [row.file for row in attached.pop(asked, ())]
    return Origin(
        conversation.title,
        Draft([*system, *said], provider=provider, model=model, parameters=parameters),
        token_id=_usable(user, provider, token_id),
        files=files,
        notes=[EARLIER_FILES] if attached else [],
    )


def _of_call(user: User, call_id: UUID) -> Origin:
    call = Generation.objects.visible_to(user).select_related("content").get(pk=call_id)
    sent = call.content.sent() if hasattr(call, "content") else []
    body = [_of_sent(message) for message in sent if message.role not in ("tools", "schema")]
    offered = {message.role: json.loads(message.text) for message in sent if message.role in ("tools", "schema")}
    draft = Draft(
        body,
        tools=[{"type": "function", "function": tool} for tool in offered.get("tools", [])],
        response_schema=offered.get("schema"),
        provider=call.provider,
        model=call.request_model,
        parameters=call.parameters,
    )
    title = f"{call.request_model}, {call.started_at:%-d %b, %H:%M}"
    files, notes = _files_of_sent(user, call, sent)
    token_id = _usable(user, call.provider, call.token_id)
    return Origin(title, draft, token_id=token_id, files=files, notes=notes if sent else [NO_LONGER_KEPT])


def _files_of_sent(user: User, call: Generation, sent: Sequence[SentMessage]) -> tuple[list[StoredFile], list[str]]:
    asked = [message for message in sent if message.role == "user"]
    digests = [file["digest"] for message in asked[-1:] for file in message.attachments]
    stored = StoredFile.objects.visible_to(user).filter(user=call.user_id, digest__in=digests).without_content()
    files = sorted(stored, key=lambda file: digests.index(file.digest))
    has_earlier = any(message.attachments for message in asked[:-1])
    notes = {EARLIER_FILES: has_earlier, FILES_GONE: len(files) < len(set(digests))}
    return files, [note for note, holds in notes.items() if holds]


def _usable(user: User, provider: str, token_id: UUID | None) -> UUID | None:
    """The provider key that was called with, where the user may use it too; else the default."""
    return token_id if token_id and pick_token(user=user, provider=provider, token_id=token_id) else None


def _of_sent(message: SentMessage) -> dict[str, Any]:
    stored: dict[str, Any] = _stored(message.role, message.text)
    extra = json.loads(message.extra) if message.extra else {}
    if calls := extra.get("tool_calls"):
        stored["tool_calls"] = [
            {
                "id": call["id"],
                "type": "function",
                "function": {"name": call["name"], "arguments": call["arguments"]},
            }
            for call in calls
        ]
    if "tool_call_id" in extra:
        stored |= {"tool_call_id": extra["tool_call_id"], "name": extra.get("tool_name", "")}
    return stored


def _stored(role: str, text: str) -> dict[str, Any]:
    return {"type": "chatmessage", "role": role, "content": text}


def _with_model(draft: Draft, provider: str, model: str) -> Draft:
    return replace(draft, provider=provider, model=model, parameters={})


def _uuid(text: str, model: type[Prompt | Generation]) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise model.DoesNotExist from error
