"""Starting a run by one statement, from what was read before the question came.

``read_ahead`` is done while nobody waits for it: as a page connects, and after each of its answers. ``QuickStart``
then writes conversation, question, call, answer and audit entry by one statement, if everything still is as it was
read. Where it is not, nothing is stored, and ``start_run`` goes step by step, and says why.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any
from uuid import UUID

import psycopg
import structlog
from django.conf import settings
from django.db import OperationalError, connection, models
from django.utils import timezone
from psycopg import sql
from psycopg_pool import AsyncConnectionPool

from accounts.models import User
from accounts.providers import needs_key
from audit.services import entry_columns
from inference.actions import InferenceAction
from inference.attachments.services import attachments_of
from inference.conversations.thread import branch_of
from inference.models import Conversation, Message, Role
from inference.providers.base import ChatRequest, Timeouts
from inference.runs.process_lock import PROCESS_ID, connection_parameters
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

    ``tokens``: by provider the one that its user's calls are made with. Their secrets stay sealed.
    ``stored``: the digests of those entries of ``context`` that calls of the month ``period`` have sent before.
    """

    user: User
    conversation: Conversation
    is_new: bool
    branch: tuple[Message, ...]
    tokens: Mapping[str, ProviderToken]
    context: Sequence[ContextEntry] = ()
    period: date | None = None
    stored: frozenset[bytes] = frozenset()

    def fits(self, form: RunRequest) -> bool:
        """Whether the form asks a new question of text at the end of the branch, with a token that was found."""
        leaf_id = self.branch[-1].pk if self.branch else None
        has_access = not needs_key(form.provider) or form.provider in self.tokens
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


def _tokens(user: User) -> dict[str, ProviderToken]:
    """Opens each once, so that the data keys that seal them are in memory."""
    tokens: dict[str, ProviderToken] = {}
    for token in by_preference(user):
        tokens.setdefault(token.provider, token)
    return {provider: token for provider, token in tokens.items() if is_readable(token)}


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
        parameters = connection_parameters() | {"cursor_factory": psycopg.AsyncCursor, "prepare_threshold": 0}
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
                statement, values = _statement(ahead.is_new, rows.token is not None), rows.values(ahead, form)
                stored = await _answer(session, statement, values)
        except psycopg.Error as error:
            log.info("quick_start_failed", error=type(error).__name__)
            return None
        if stored is None:
            return None
        return rows.started(ahead, *stored)


async def _answer(session: psycopg.AsyncConnection[Any], statement: str, values: dict[str, Any]) -> Any:
    """Its one row or None. Raises OperationalError where it does not come in time."""
    answer = asyncio.create_task(_ask(session, statement, values))
    try:
        await asyncio.wait({answer}, timeout=SECONDS)
    finally:
        if not answer.done():
            # To cancel it in PostgreSQL, as psycopg does, would be to wait for one that hangs.
            session.pgconn.finish()
            answer.cancel()
    if not answer.done() or answer.cancelled():
        raise OperationalError("PostgreSQL does not answer.")
    return answer.result()


async def _ask(session: psycopg.AsyncConnection[Any], statement: str, values: dict[str, Any]) -> Any:
    """Commits only once the answer is here: a server that was late must not start what nobody waits for any more."""
    async with session.pipeline():
        await session.execute("BEGIN")
        cursor = await session.execute(statement, values)
        stored = await cursor.fetchone()
    try:
        await session.execute("COMMIT")
    except psycopg.Error as error:
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

    @classmethod
    def of(cls, ahead: ReadAhead, form: RunRequest) -> _Rows:
        token = ahead.tokens.get(form.provider)
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
            **_pick()[1],
            **_values("conversation", self.conversation),
            **_values("question", self.question),
            **_values("call", self.call),
            **_values("content", self.content),
            **_values("answer", self.answer),
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


@cache
def _statement(is_new: bool, has_token: bool) -> str:
    """``permitted`` has one row or none, and every row that is written comes from it."""
    conversation = _insert("conversation", Conversation(), "permitted") + " ON CONFLICT DO NOTHING RETURNING id, title"
    if not is_new:
        conversation = _UPDATE_CONVERSATION
    return f"""
WITH permitted AS MATERIALIZED (
  SELECT WHERE {_USER} AND {_PLACE} {f"AND {_pick()[0]}" if has_token else ""}
    AND inference_below_limits(%(user)s, %(open)s, %(open_in_all)s, %(per_minute)s)
), conversation AS ({conversation}),
question AS ({_insert("question", Message(role=Role.USER), "conversation")} RETURNING id),
call AS ({_insert("call", Generation(), "question")} RETURNING id),
content AS ({_insert("content", GenerationContent(), "call")}),
context AS ({_CONTEXT}),
answer AS ({_insert("answer", Message(role=Role.ASSISTANT), "question, call", parent_id="question.id")} RETURNING id)
SELECT conversation.title, question.id, answer.id,
  (SELECT sequence FROM audit_append(ARRAY[%(body)s::text], ARRAY[%(salt)s::text], ARRAY[%(details)s::text]))
FROM conversation, question, answer
"""  # noqa: S608 (names of our own tables)


_USER = """EXISTS (
  SELECT FROM accounts_user WHERE id = %(user)s AND is_active AND role = %(role)s AND password = %(password)s
)"""
# The end of the branch is an answer that has ended, below which nothing stands yet; and the form is new.
_PLACE = """
(%(question_parent_id)s::bigint IS NULL OR EXISTS (
  SELECT FROM inference_message AS leaf LEFT JOIN telemetry_generation AS made_by ON made_by.id = leaf.generation_id
  WHERE leaf.id = %(question_parent_id)s AND leaf.conversation_id = %(conversation_id)s
    AND leaf.role = 'assistant' AND made_by.status IS DISTINCT FROM 'running'
)) AND NOT EXISTS (
  SELECT FROM inference_message WHERE conversation_id = %(conversation_id)s
    AND (client_id = %(question_client_id)s OR parent_id IS NOT DISTINCT FROM %(question_parent_id)s)
)"""
_UPDATE_CONVERSATION = """
UPDATE inference_conversation AS kept
SET provider = %(conversation_provider)s, model = %(conversation_model)s, system = %(conversation_system)s,
  parameters = %(conversation_parameters)s, updated_at = %(conversation_updated_at)s
FROM permitted WHERE kept.id = %(conversation_id)s AND kept.owner_id = %(user)s AND kept.deleted_at IS NULL
RETURNING kept.id, kept.title"""
# Another call of the same user may have stored some of it since.
_CONTEXT = """
INSERT INTO telemetry_contextmessage (user_id, period, digest, parent, role, text, extra)
SELECT %(user)s, %(content_period)s::date, entry.* FROM call,
  unnest(%(digests)s::bytea[], %(parents)s::bytea[], %(roles)s::text[], %(texts)s::text[], %(extras)s::text[]) AS entry
ON CONFLICT DO NOTHING"""
_ASKER, _PROVIDER = -1, "\0"


@cache
def _pick() -> tuple[str, dict[str, object]]:
    """That the token is still the one that is picked, and has the same secret; and the values that this names."""
    picked = by_preference(User(pk=_ASKER)).filter(provider=_PROVIDER).values("pk", "secret")[:1]
    question, values = picked.query.sql_with_params()
    own = {f"pick_{place}": value for place, value in enumerate(values) if value not in (_ASKER, _PROVIDER)}
    known = {_ASKER: "%(user)s", _PROVIDER: "%(call_provider)s"}
    names = [known.get(value, f"%(pick_{place})s") for place, value in enumerate(values)]
    return f"(%(call_token_id)s::uuid, %(secret)s::bytea) = ({question % tuple(names)})", own


# What is sent for each row; all other columns have the values of a new row, which are part of the statement.
_SENT: Mapping[str, tuple[str, ...]] = {
    "conversation": ("id", "owner", "title", "provider", "model", "system", "parameters", "created_at", "updated_at"),
    "question": ("conversation", "parent", "text", "client_id", "created_at"),
    "call": (
        *("id", "user", "conversation_id", "token_id", "token_label", "base_url", "provider", "request_model"),
        *("parameters", "started_at", "process_id"),
        *("prompt_id", "prompt_name", "prompt_version", "prompt_labels"),
    ),
    "content": ("generation", "period", "head"),
    "answer": ("conversation", "generation", "created_at"),
}


def _insert(prefix: str, new: models.Model, source: str, **computed: str) -> str:
    """A row like ``new`` with what is sent, or ``computed`` from ``source``, which has one row or none."""
    values = {str(field.column): _value(prefix, new, field) for field in _filled(new)} | computed
    table, names = new._meta.db_table, ", ".join(values)
    return f"INSERT INTO {table} ({names}) SELECT {', '.join(values.values())} FROM {source}"  # noqa: S608


def _filled(row: models.Model) -> list[models.Field[Any, Any]]:
    """What the database does not fill by itself."""
    fields = row._meta.concrete_fields
    return [one for one in fields if not isinstance(one, models.AutoField) and one.db_default is models.NOT_PROVIDED]


def _value(prefix: str, new: models.Model, field: models.Field[Any, Any]) -> str:
    if field.name in _SENT[prefix]:
        return f"%({prefix}_{field.column})s::{_type(field)}"
    value = sql.Literal(field.get_db_prep_save(field.value_from_object(new), connection)).as_string()
    return f"{value.replace('%', '%%')}::{_type(field)}"


def _values(prefix: str, row: models.Model) -> dict[str, object]:
    sent = [field for field in _filled(row) if field.name in _SENT[prefix]]
    return {
        f"{prefix}_{field.column}": field.get_db_prep_save(field.pre_save(row, add=True), connection) for field in sent
    }


def _type(field: models.Field[Any, Any]) -> str:
    """Without its length, by which a cast would cut."""
    return re.sub(r"\(.*\)", "", str(field.db_type(connection)))
