"""Titles of conversations by their own model, for users who want them: one more call, after the first answer.

Nothing waits for it. Where it is refused or fails, the conversation keeps its first words.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

import structlog
from django.conf import settings

from accounts.admission import OUTAGES
from accounts.models import TitleSource
from accounts.providers import needs_key
from inference.chat.forms import parameters_of
from inference.models import Conversation, Message
from inference.providers.base import ChatMessage, ChatRequest, Timeouts
from inference.runs.calls import WantedCall, accesses, start_calls
from inference.runs.database import in_thread
from inference.runs.start import PreparedRun, RunRefused, title_from
from telemetry.models import Generation, Status

if TYPE_CHECKING:
    from accounts.models import User
    from inference.runs.active import Runs

INSTRUCTION = (
    "Write a title for the conversation that the user quotes: at most six words, in its language, without quotation "
    "marks and without a full stop at the end. Answer with the title alone."
)
# Of the question and of the answer, as many characters are quoted.
QUOTED = 2_000
# With room for models that reason first.
MOST_TOKENS = 2_000

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class WantedTitle:
    """``words``: the title that it is to replace, if nobody else does so first."""

    conversation: Conversation
    words: str
    order: PreparedRun


class Titles:
    """Calls for titles that are under way in this process; whoever asked for one may leave."""

    def __init__(self) -> None:
        self._under_way: dict[UUID, asyncio.Task[Conversation | None]] = {}

    async def make(self, runs: Runs, user: User, answer_id: int) -> Conversation | None:
        """The conversation of an answer that has ended, with its new title; None where it keeps the one it has."""
        if user.title_source != TitleSource.MODEL:
            return None
        wanted = await in_thread(start_title)(user, answer_id, without=self._under_way)
        if wanted is None:
            return None
        task = asyncio.create_task(_titled(runs, wanted))
        pk = wanted.conversation.pk
        self._under_way[pk] = task
        task.add_done_callback(lambda _: self._under_way.pop(pk, None))
        return await asyncio.shield(task)


async def _titled(runs: Runs, wanted: WantedTitle) -> Conversation | None:
    try:
        runs.launch(wanted.order)
        async with aclosing(runs.watch(wanted.order.generation_id)) as batches:
            async for _ in batches:
                continue
        return await in_thread(take_title)(wanted)
    except OUTAGES as error:
        log.warning("title_not_made", error=type(error).__name__)
        return None


def start_title(user: User, answer_id: int, *, without: Collection[UUID] = ()) -> WantedTitle | None:
    """Records the call. None for any but the first good answer of the user's own conversation with its first words."""
    answers = Message.objects.select_related("conversation", "generation", "parent")
    answer = answers.filter(pk=answer_id, conversation__owner=user, parent__parent=None).first()
    if answer is None or answer.conversation.pk in without or not _is_untitled(answer):
        return None
    conversation, request = answer.conversation, _request(answer)
    try:
        (access,) = accesses(user, [(conversation.provider, conversation.token_id)]).values()
        if isinstance(access, RunRefused):
            raise access
        (order,) = start_calls(user, [(WantedCall(conversation.provider, request), access)])
    except RunRefused as refusal:
        log.info("title_not_asked_for", reason=refusal.message)
        return None
    return WantedTitle(conversation, conversation.title, order)


def _is_untitled(answer: Message) -> bool:
    """The sandbox has no titles to give."""
    call, question, conversation = answer.generation, answer.parent, answer.conversation
    has_answered = call is not None and call.status == Status.SUCCEEDED and needs_key(conversation.provider)
    return has_answered and question is not None and conversation.title == title_from(question.text)


def _request(answer: Message) -> ChatRequest:
    conversation = answer.conversation
    limits = [one.name for one in parameters_of(conversation.provider, conversation.model) if one.label == "Max tokens"]
    question = answer.parent.text[:QUOTED] if answer.parent else ""
    quoted = f"<user>\n{question}\n</user>\n<assistant>\n{answer.text[:QUOTED]}\n</assistant>"
    return ChatRequest(
        model=conversation.model,
        messages=(ChatMessage("user", quoted),),
        system=INSTRUCTION,
        parameters=dict.fromkeys(limits, MOST_TOKENS),
        timeouts=Timeouts(**settings.PROVIDER_TIMEOUTS),
    )


def take_title(wanted: WantedTitle) -> Conversation | None:
    """What the call has answered becomes the title, unless somebody has renamed the conversation."""
    call = Generation.objects.select_related("content").get(pk=wanted.order.generation_id)
    text = call.content.response_text.strip().strip("\"'“”„«»*").rstrip(".")
    if call.status != Status.SUCCEEDED or not text:
        return None
    title = title_from(text)
    own = Conversation.objects.filter(pk=wanted.conversation.pk, title=wanted.words, deleted_at=None)
    if not own.update(title=title):
        return None
    wanted.conversation.title = title
    return wanted.conversation
