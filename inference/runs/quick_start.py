"""Starting a run by one statement, from what was read before the question came.

``read_ahead`` is done while nobody waits for it: as a page connects, and after each of its answers. ``QuickStart``
then writes conversation, question, call, answer and audit entry by one statement, if everything still is as it was
read. Where it is not, nothing is stored, and ``start_run`` goes step by step, and says why.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

import psycopg
import structlog
from django.conf import settings
from django.db import OperationalError
from django.utils import timezone
from psycopg_pool import AsyncConnectionPool

from accounts.models import User
from accounts.providers import needs_key
from audit.services import entry_columns
from inference.actions import InferenceAction
from inference.attachments.services import attachments_of
from inference.conversations.thread import branch_of
from inference.models import Conversation, Message, Role
from inference.providers.base import ChatRequest, Timeouts
from inference.runs.calls import Endpoint
from inference.runs.process_lock import PROCESS_ID, connection_parameters
from inference.runs.quick_statement import Pick, Statement, pick_condition, statement, values_of_row
from inference.runs.start import (
    PreparedRun,
    RunRequest,
    StartedRun,
    as_sent,
    asked_with,
    chat_history,
    started_with,
    title_from,
)
from telemetry.call_ids import new_call_id
from telemetry.context import ContextEntry, chain, head_of, period_of
from telemetry.models import ContextMessage, Generation, GenerationContent
from telemetry.prompt_use import prompt_columns
from tokens.envelope import EnvelopeError
from tokens.models import ProviderToken
from tokens.services import by_preference, is_readable, open_at_hand

# How long a statement may take before the database counts as not answering.
SECONDS = 2.0
# Hundreds who ask at once wait for each other here, where they take no connection from the pages.
CONNECTIONS, QUEUE_SECONDS = 2, 4.0
# Every open page keeps its branch.
KEPT_CHARACTERS = 200_000

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ReadAhead:
    """What the next question of a page needs. ``branch``: the messages that it goes below, from the first on.

    ``tokens``: by provider and id, those that its user may make calls with, and by provider and None the default one.
    Their secrets stay sealed.
    ``stored``: the digests of those entries of ``context`` that calls of the month ``period`` have sent before.
    """

    user: User
    conversation: Conversation
    is_new: bool
    branch: tuple[Message, ...]
    tokens: Mapping[Endpoint, ProviderToken]
    context: Sequence[ContextEntry] = ()
    period: date | None = None
    stored: frozenset[bytes] = frozenset()

    def fits(self, form: RunRequest) -> bool:
        """Whether the form asks a new question of text at the end of the branch, with a token that was found."""
        leaf_id = self.branch[-1].pk if self.branch else None
        has_access = not needs_key(form.provider) or endpoint_of(form) in self.tokens
        return form.text is not None and not form.files and form.parent_id == leaf_id and has_access


def read_ahead(user: User, conversation_id: UUID, *, may_begin: bool) -> ReadAhead | None:
    """The newest branch; None where the user asks nothing in this conversation, where it is too long or has files."""
    conversation = Conversation.objects.select_related("team").filter(pk=conversation_id).first()
    if conversation is None and may_begin:
        return ReadAhead(user, Conversation(pk=conversation_id, owner=user), True, (), _tokens(user))
    if conversation is None or conversation.owner_id != user.pk:
        return None
    conversation.owner = user
    branch = branch_of(conversation, None)
    if sum(len(message.text) for message in branch) > KEPT_CHARACTERS:
        return None
    # With files, it has to be looked what the model takes.
    if attachments_of(branch):
        return None
    request = ChatRequest(model=conversation.model, messages=chat_history(branch), system=conversation.system)
    context, period = chain(as_sent(request)), period_of(timezone.now())
    stored = ContextMessage.objects.stored(context, user_id=user.pk, period=period)
    return ReadAhead(user, conversation, False, tuple(branch), _tokens(user), context, period, stored)


def endpoint_of(form: RunRequest) -> Endpoint:
    return form.provider, form.token_id


def _tokens(user: User) -> dict[Endpoint, ProviderToken]:
    """Opens each once, so that the data keys that seal them are in memory."""
    tokens: dict[Endpoint, ProviderToken] = {}
    for token in by_preference(user):
        tokens.setdefault((token.provider, None), token)
        tokens[token.provider, token.pk] = token
    return {endpoint: token for endpoint, token in tokens.items() if is_readable(token)}


@dataclass(frozen=True, slots=True)
class QuickRun:
    """A run that was started, with its rows as they are stored."""

    started: StartedRun
    conversation: Conversation
    question: Message
    answer: Message
    token: ProviderToken | None
    audit_sequence: int


class QuickStart:
    """Connections of the event loop's own. Opened and closed once."""

    async def open(self) -> None:
        parameters = connection_parameters() | {"cursor_factory": psycopg.AsyncRawCursor, "prepare_threshold": 0}
        self._pool = AsyncConnectionPool(
            kwargs={**parameters, "autocommit": True},
            min_size=1,
            max_size=CONNECTIONS,
            timeout=QUEUE_SECONDS,
            open=False,
        )
        await self._pool.open()

    async def close(self) -> None:
        await self._pool.close()

    async def start(self, ahead: ReadAhead, form: RunRequest) -> QuickRun | None:
        """None where anything differs from what was read, or the database refuses: nothing was started.

        Raises OperationalError where the database does not answer. What was started then is not known.
        """
        try:
            rows = _Rows.of(ahead, form)
        except EnvelopeError:
            return None
        try:
            async with self._pool.connection() as session:
                stored = await _answer(session, statement(ahead.is_new, rows.pick), rows.values(ahead, form))
        except psycopg.Error as error:
            log.info("quick_start_failed", error=type(error).__name__)
            return None
        if stored is None:
            return None
        return rows.started(ahead, *stored)


async def _answer(session: psycopg.AsyncConnection[Any], query: Statement, values: Mapping[str, Any]) -> Any:
    """Its one row or None. Raises OperationalError where it does not come in time."""
    answer = asyncio.create_task(_ask(session, query, values))
    try:
        done, _ = await asyncio.wait({answer}, timeout=SECONDS)
    finally:
        if not answer.done():
            _hang_up(session)
            await asyncio.wait({answer})
    if not done:
        raise OperationalError("PostgreSQL does not answer.") from answer.exception()
    return answer.result()


def _hang_up(session: psycopg.AsyncConnection[Any]) -> None:
    """Let whoever waits for the server find that it has gone.

    To cancel the statement, as psycopg does, would be to wait for a server that hangs. To close the connection would
    end the process: uvloop aborts where a file is closed that it is about to watch.
    """
    with socket.socket(fileno=os.dup(session.fileno())) as twin:
        twin.shutdown(socket.SHUT_RDWR)


async def _ask(session: psycopg.AsyncConnection[Any], query: Statement, values: Mapping[str, Any]) -> Any:
    """Commits only once the answer is here: a server that was late must not start what nobody waits for any more."""
    stored = None
    try:
        # A transaction of its own: PostgreSQL commits at the end of the pipeline.
        async with session.pipeline():
            cursor = await session.execute(query.text, [values[name] for name in query.names])
            stored = await cursor.fetchone()
    except psycopg.Error as error:
        if stored is None:
            raise
        # It may have been stored all the same: the page connects again and looks.
        raise OperationalError("PostgreSQL was lost while a run was stored.") from error
    return stored


@dataclass(frozen=True, slots=True)
class _Rows:
    """What is going to be stored. ``context``: what is not stored yet of all that the call sends."""

    conversation: Conversation
    question: Message
    call: Generation
    content: GenerationContent
    context: Sequence[ContextEntry]
    answer: Message
    request: ChatRequest
    token: ProviderToken | None
    api_key: str

    @property
    def pick(self) -> Pick:
        """How the token came to be used."""
        if self.token is None:
            return None
        return "chosen" if self.conversation.token_id else "default"

    @classmethod
    def of(cls, ahead: ReadAhead, form: RunRequest) -> _Rows:
        token = ahead.tokens.get(endpoint_of(form))
        conversation = Conversation(pk=ahead.conversation.pk, owner=ahead.user, **asked_with(form))
        conversation.title = ahead.conversation.title or title_from(form.text)
        question = Message(
            conversation=conversation,
            parent=ahead.branch[-1] if ahead.branch else None,
            role=Role.USER,
            text=form.text or "",
            client_id=form.client_id,
        )
        request = ChatRequest(
            model=form.model,
            messages=chat_history([*ahead.branch, question]),
            system=form.system,
            parameters=form.parameters,
            timeouts=Timeouts(**settings.PROVIDER_TIMEOUTS),
        )
        now = timezone.now()
        call = Generation(
            id=new_call_id(now),
            user=ahead.user,
            conversation_id=conversation.pk,
            token_id=token.pk if token else None,
            token_label=token.label if token else "",
            base_url=token.base_url if token else "",
            provider=form.provider,
            request_model=form.model,
            parameters=dict(form.parameters),
            started_at=now,
            process_id=PROCESS_ID,
            **prompt_columns(form.prompt),
        )
        period = period_of(call.started_at)
        stored = ahead.stored if period == ahead.period else frozenset()
        context = chain(as_sent(request), known=ahead.context)
        return cls(
            conversation=conversation,
            question=question,
            call=call,
            content=GenerationContent(generation=call, period=period, head=head_of(context)),
            context=[entry for entry in context if entry.digest not in stored],
            answer=Message(conversation=conversation, role=Role.ASSISTANT, generation=call),
            request=request,
            token=token,
            api_key=open_at_hand(token) if token else "",
        )

    def values(self, ahead: ReadAhead, form: RunRequest) -> dict[str, Any]:
        after = started_with(form, self.conversation.pk, self.token)
        body, salt, details = entry_columns(
            action=InferenceAction.RUN_START, actor=ahead.user, target=self.call, after=after
        )
        return {
            "user": ahead.user.pk,
            "role": ahead.user.role,
            "password": ahead.user.password,
            "open": settings.LIMIT_OPEN_RUNS,
            "open_in_all": settings.LIMIT_OPEN_RUNS_IN_ALL,
            "per_minute": settings.LIMIT_RUNS_PER_MINUTE,
            "body": body,
            "salt": salt,
            "details": details,
            "secret": bytes(self.token.secret) if self.token else None,
            "digests": [entry.digest for entry in self.context],
            "parents": [entry.parent for entry in self.context],
            "roles": [entry.message.role for entry in self.context],
            "texts": [entry.message.text for entry in self.context],
            "extras": [entry.message.extra for entry in self.context],
            **(pick_condition(self.pick)[1] if self.pick else {}),
            **values_of_row("conversation", self.conversation),
            **values_of_row("question", self.question),
            **values_of_row("call", self.call),
            **values_of_row("content", self.content),
            **values_of_row("answer", self.answer),
        }

    def started(self, ahead: ReadAhead, title: str, question_id: int, answer_id: int, audit_sequence: int) -> QuickRun:
        """``title``: it may be another one than was read."""
        self.question.pk, self.answer.pk, self.answer.parent_id = question_id, answer_id, question_id
        prepared = PreparedRun(
            generation_id=self.call.pk,
            provider=self.call.provider,
            base_url=self.call.base_url or None,
            request=self.request,
            api_key=self.api_key,
        )
        started = StartedRun(self.conversation.pk, question_id, answer_id, prepared)
        conversation = self.conversation if ahead.is_new else ahead.conversation
        conversation.title = title
        return QuickRun(started, conversation, self.question, self.answer, self.token, audit_sequence)
