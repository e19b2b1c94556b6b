"""Starting, saving and finishing runs, and looking after conversations."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.conf import settings
from django.db import DatabaseError, transaction
from django.utils import timezone

from accounts.providers import needs_key
from audit.services import batch, record
from inference.actions import InferenceAction
from inference.attachments.abilities import problem_with
from inference.attachments.listed import abilities_with
from inference.attachments.services import FilesMissing, as_sent_files, attach, attachments_of, note_sent, own_files
from inference.conversations.thread import path_to
from inference.models import Conversation, Message, MessageAttachment, Role, StoredFile
from inference.providers.base import Attachment, ChatMessage, ChatRequest, Timeouts
from inference.runs.database import storage_problem
from inference.runs.limits import LimitHit, limit_reached
from inference.runs.process_lock import PROCESS_ID
from inference.runs.tool_calls import from_stored, without_dangling
from telemetry import services as telemetry
from telemetry.context import SentMessage, canonical
from telemetry.models import Generation, Status
from telemetry.prompt_use import PromptUse
from tokens.models import ProviderToken
from tokens.services import TokenUnreadable, open_picked

if TYPE_CHECKING:
    from accounts.models import User

TITLE_LENGTH = 60
NO_KEY = "You have no key for this provider. Add one under Provider keys."
ENDPOINT_GONE = "The endpoint is gone: its key was deleted or is no longer shared with you. Pick a model again."
# Fences, what begins a block, links and pictures, of which the words stay, and emphasis around words.
_MARKS = re.compile(r"^\s*(?:`{3,}.*|~{3,}.*|#{1,6}\s+|>\s*|[-*+]\s+)|!?\[([^\]]*)\]\([^)]*\)|(?:\*\*|__|`|~~)")


class RunRefused(Exception):
    """A run that cannot be started. ``field`` names the form field at fault; nothing has been stored."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field
        self.message = message


class LimitReached(RunRefused):
    """Its user, or everybody together, has asked for as much as is allowed; to be noted by ``note_limit_hit``."""

    def __init__(self, reached: LimitHit) -> None:
        super().__init__("__all__", reached.message)
        self.kind = reached.kind


@dataclass(frozen=True, slots=True)
class RunRequest:
    """What a person asks for. ``text`` None asks for another answer to the user message ``parent_id``.

    ``files``: digests of stored files of the person's own, which the new message brings. ``token_id``: the provider
    key that was chosen, None for the default one.
    """

    provider: str
    model: str
    text: str | None
    parent_id: int | None
    client_id: UUID
    system: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    prompt: PromptUse | None = None
    files: tuple[str, ...] = ()
    token_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class PreparedRun:
    """Everything the runner needs to make the call.

    It looks into the database for nothing but the bytes of files, which belong to ``user_id``: they are not to wait in
    memory for their turn. ``file_tokens``: about what a model counts for them.
    """

    generation_id: UUID
    provider: str
    base_url: str | None
    request: ChatRequest
    api_key: str = field(repr=False)
    user_id: int | None = None
    file_tokens: int = 0


@dataclass(frozen=True, slots=True)
class StartedRun:
    """The rows a form has made. ``order`` is None where the run failed before the provider could be called."""

    conversation_id: UUID
    question_id: int | None
    answer_id: int
    order: PreparedRun | None


def start_run(*, user: User, conversation_id: UUID, is_new: bool, form: RunRequest) -> StartedRun | None:
    """Store the question, the empty answer and its Generation, and open the token.

    ``is_new`` allows a conversation with that id to be begun. Returns None for a form that has been received before.
    Raises RunRefused (LimitReached is one) for what the user can mend and while PostgreSQL can store nothing,
    Conversation.DoesNotExist where the conversation is not the user's.
    """
    try:
        return _start_run(user, conversation_id, form, is_new=is_new)
    except DatabaseError as error:
        if problem := storage_problem(error):
            raise RunRefused("__all__", f"{problem} Tell an administrator, and send it again later.") from error
        raise


@transaction.atomic
@batch()
def _start_run(user: User, conversation_id: UUID, form: RunRequest, *, is_new: bool) -> StartedRun | None:
    # First, since it locks: a start in one statement takes its locks in this order too.
    reached = limit_reached(user)
    files = _files_of(user, form)
    _ask_in(user, conversation_id, form, is_new=is_new, files=files)
    messages = {message.pk: message for message in Message.objects.filter(conversation=conversation_id)}
    if any(message.client_id == form.client_id for message in messages.values()):
        return None
    if reached:
        raise LimitReached(reached)
    question, asked = _question(conversation_id, messages, form)
    if question:
        attach(message=question, files=files)
    access = access_to(form.provider, user, form.token_id)
    branch = path_to(asked.pk, {**messages, asked.pk: asked})
    attached = attachments_of(branch)
    sent_files = _check_files(attached, form, access.token)
    request = ChatRequest(
        model=form.model,
        messages=chat_history(branch, as_sent_files(attached)),
        system=form.system,
        parameters=form.parameters,
        timeouts=Timeouts(**settings.PROVIDER_TIMEOUTS),
    )
    call = replace(new_call(access, form.provider, request, form.prompt), conversation_id=conversation_id)
    generation = telemetry.start_generation(user=user, call=call)
    answer = Message.objects.create(
        conversation_id=conversation_id,
        parent=asked,
        role=Role.ASSISTANT,
        generation=generation,
        client_id=None if question else form.client_id,
    )
    record(
        action=InferenceAction.RUN_START,
        actor=user,
        target=generation,
        after=started_with(form, conversation_id, access.token),
    )
    return StartedRun(
        conversation_id=conversation_id,
        question_id=question.pk if question else None,
        answer_id=answer.pk,
        order=_order(generation, access, request, files=sent_files),
    )


def _files_of(user: User, form: RunRequest) -> list[StoredFile]:
    try:
        return own_files(user, form.files)
    except FilesMissing:
        raise RunRefused(
            "attachments", "An attached file is no longer there. Remove it, and attach it again."
        ) from None


def _check_files(
    attached: Mapping[int, Sequence[MessageAttachment]], form: RunRequest, token: ProviderToken | None
) -> list[StoredFile]:
    """All that the call sends. Raises RunRefused where the model or its provider does not take them."""
    files = [row.file for rows in attached.values() for row in rows]
    if not files:
        return []
    abilities = abilities_with(form.provider, form.model, token)
    kinds_and_sizes = [(file.media_type, file.size) for file in files]
    if problem := problem_with(kinds_and_sizes, abilities, provider=form.provider, model=form.model):
        raise RunRefused("attachments", problem)
    note_sent(files)
    return files


def started_with(form: RunRequest, conversation_id: UUID, token: ProviderToken | None) -> dict[str, Any]:
    """What the audit log has of a run's start."""
    return {
        "provider": form.provider,
        "model": form.model,
        "conversation": str(conversation_id),
        "token_id": str(token.pk) if token else None,
    }


def _ask_in(user: User, conversation_id: UUID, form: RunRequest, *, is_new: bool, files: Sequence[StoredFile]) -> None:
    """Lock the conversation until the transaction ends, and note what it was last asked with."""
    if is_new:
        title = title_from((form.text or "").strip() or next((file.name for file in files), None))
        new = Conversation(pk=conversation_id, owner=user, title=title, **asked_with(form))
        # Not get_or_create: of a form that arrives twice at once, the second waits here for the first.
        Conversation.objects.bulk_create([new], ignore_conflicts=True)
    own = Conversation.objects.editable_by(user).filter(pk=conversation_id)
    if not own.update(**asked_with(form), updated_at=timezone.now()):
        raise Conversation.DoesNotExist


def asked_with(form: RunRequest) -> dict[str, Any]:
    """What a conversation remembers of its last question."""
    return {
        "provider": form.provider,
        "model": form.model,
        "token_id": form.token_id,
        "system": form.system,
        "parameters": dict(form.parameters),
    }


def title_from(text: str | None) -> str:
    """The first line of a question without the marks of Markdown, cut at a word."""
    lines = filter(None, (_MARKS.sub(r"\1", line).strip() for line in (text or "").splitlines()))
    line = next(lines, "New conversation")
    return line if len(line) <= TITLE_LENGTH else line[:TITLE_LENGTH].rsplit(" ", 1)[0] + "…"


def _question(
    conversation_id: UUID, messages: Mapping[int, Message], form: RunRequest
) -> tuple[Message | None, Message]:
    """The user message that the form adds, if it adds one, and the message to be answered."""
    parent = messages.get(form.parent_id) if form.parent_id is not None else None
    wanted = Role.USER if form.text is None else Role.ASSISTANT
    if form.parent_id is not None and (parent is None or parent.role != wanted):
        raise RunRefused("text", "The message that this one answers is not in this conversation.")
    if form.text is not None:
        question = Message.objects.create(
            conversation_id=conversation_id, parent=parent, role=Role.USER, text=form.text, client_id=form.client_id
        )
        return question, question
    if parent is None:
        raise RunRefused("text", "There is no message to answer.")
    return None, parent


def chat_history(
    branch: Iterable[Message], files: Mapping[int, tuple[Attachment, ...]] | None = None
) -> tuple[ChatMessage, ...]:
    """What is sent of a branch: all but answers that never said anything, and calls that nobody has answered.

    ``files`` by message.
    """
    files = files or {}
    return without_dangling(
        [
            ChatMessage(
                role="user" if message.role == Role.USER else "assistant",
                text=message.text,
                attachments=files.get(message.pk, ()),
                tool_calls=from_stored(message.tool_calls),
            )
            for message in branch
        ]
    )


def as_sent(request: ChatRequest) -> list[SentMessage]:
    """What a call's record has of a request. What is empty is not sent."""
    first = {
        "tools": canonical([asdict(tool) for tool in request.tools]),
        "schema": canonical(request.response_schema),
        "system": request.system,
    }
    offered = [SentMessage(role, text) for role, text in first.items() if text]
    return [*offered, *(SentMessage(message.role, message.text, _extra(message)) for message in request.messages)]


def _extra(message: ChatMessage) -> str:
    if message.is_plain:
        return ""
    extra = {
        "attachments": [
            {"digest": file.digest, "name": file.name, "media_type": file.media_type} for file in message.attachments
        ],
        "tool_calls": [asdict(call) for call in message.tool_calls],
        "tool_call_id": message.tool_call_id,
        "tool_name": message.tool_name,
    }
    return canonical({name: value for name, value in extra.items() if value})


@dataclass(frozen=True, slots=True)
class Access:
    """What a call is made with. ``problem`` says why the token's secret cannot be had."""

    token: ProviderToken | None = None
    api_key: str = field(default="", repr=False)
    problem: str = ""


def access_to(provider: str, user: User, token_id: UUID | None = None) -> Access:
    """With the key that was chosen, else with the user's default. Raises RunRefused where the user has none such."""
    if not needs_key(provider):
        return Access()
    try:
        opened = open_picked(user=user, provider=provider, token_id=token_id)
    except TokenUnreadable as error:
        return Access(error.token, problem=str(error))
    if opened is None:
        raise RunRefused("model", ENDPOINT_GONE if token_id else NO_KEY)
    return Access(*opened)


def new_call(access: Access, provider: str, request: ChatRequest, prompt: PromptUse | None) -> telemetry.NewCall:
    """What is recorded of a call before it is made."""
    token = access.token
    return telemetry.NewCall(
        token_id=token.pk if token else None,
        token_label=token.label if token else "",
        base_url=token.base_url if token else "",
        provider=provider,
        model=request.model,
        parameters=request.parameters,
        process_id=PROCESS_ID,
        sent=as_sent(request),
        prompt=prompt,
    )


def prepared(
    generation: Generation, access: Access, request: ChatRequest, *, files: Sequence[StoredFile] = ()
) -> PreparedRun:
    """``files``: those in the messages of the request."""
    return PreparedRun(
        generation_id=generation.pk,
        provider=generation.provider,
        base_url=generation.base_url or None,
        request=request,
        api_key=access.api_key,
        user_id=generation.user_id,
        file_tokens=sum(file.tokens for file in files),
    )


def _order(
    generation: Generation, access: Access, request: ChatRequest, *, files: Sequence[StoredFile]
) -> PreparedRun | None:
    if access.problem:
        outcome = telemetry.CallOutcome(
            status=Status.FAILED, error_type="token_unreadable", error_message=access.problem
        )
        telemetry.finish_generation(generation_id=generation.pk, outcome=outcome)
        return None
    return prepared(generation, access, request, files=files)
