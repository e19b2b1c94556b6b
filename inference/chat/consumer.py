"""The socket of a chat page: it starts, stops and watches runs."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from contextlib import aclosing
from typing import Any
from uuid import UUID

import structlog
from django.db.models import Q, QuerySet
from django.template.loader import render_to_string

from accounts.admission import OUTAGES
from accounts.models import User
from accounts.sessions.services import note_activity
from accounts.sessions.users import user_of_session
from accounts.sessions.watch import Subscription
from audit.services import appended
from inference.chat import fragments
from inference.chat.forms import RunForm
from inference.chat.new_conversation_token import verify
from inference.chat.run_socket import NOT_FOUND, Handler, Message, RunSocket, early_stops, uuid_of
from inference.chat.stream_renderer import StreamRenderer
from inference.chat.titles import Titles
from inference.models import Conversation
from inference.runs.active import Runs
from inference.runs.database import in_thread
from inference.runs.finish import request_stop
from inference.runs.limits import note_limit_hit
from inference.runs.quick_start import QuickRun, ReadAhead, read_ahead
from inference.runs.start import LimitReached, PreparedRun, RunRefused, RunRequest, StartedRun, start_run
from inference.turns import turn
from telemetry.models import Generation
from tokens.services import stamp_use

REQUEST_SECONDS = 0.003

log = structlog.get_logger(__name__)
titles = Titles()


class ChatConsumer(RunSocket):
    """One page on one conversation."""

    def __init__(self, *, runs: Runs) -> None:
        super().__init__(runs=runs)
        self._ahead: ReadAhead | None = None

    def handlers(self) -> Mapping[str, Handler]:
        own = {"watch": self._watch_all, "run": self._run, "again": self._run}
        return {**own, "stop": self._stop, "retry": self._retry}

    async def find(self, user: User) -> bool:
        kwargs = self.scope["url_route"]["kwargs"]
        self._is_new = "signed" in kwargs
        if self._is_new:
            conversation_id = verify(kwargs["signed"], user)
            if conversation_id is None:
                return False
            self._conversation_id = conversation_id
            return True
        self._conversation_id = kwargs["pk"]
        return await self._is_stored_and_visible(user)

    async def is_visible(self, user: User) -> bool:
        return self._is_new or await self._is_stored_and_visible(user)

    async def opened(self) -> None:
        await self._read_ahead()

    async def taken_at_once(self, message: Message) -> bool:
        return message["type"] == "run" and await self._run_quickly(message)

    async def subscription(self, user: User) -> Subscription | None:
        """None for the owner's page, which shows by itself what it asks, and is not let in by anybody."""
        own = Conversation.objects.owned_by(user).filter(pk=self._conversation_id)
        if self._is_new or await in_thread(own.exists)():
            return None
        return Subscription((user.pk, self._conversation_id), self._tell)

    async def _tell(self, newest: int) -> None:
        await self.send(fragments.render_news(newest))

    async def _is_stored_and_visible(self, user: User) -> bool:
        return await in_thread(Conversation.objects.visible_to(user).filter(pk=self._conversation_id).exists)()

    async def _watch_all(self, user: User, message: Message) -> None:
        """Show what is running in this conversation, from its beginning."""
        running = Generation.objects.running().filter(
            message__conversation__in=Conversation.objects.visible_to(user).filter(pk=self._conversation_id)
        )
        for generation_id, answer_id in await in_thread(lambda: list(running.values_list("pk", "message__pk")))():
            self.watch(generation_id, answer_id, user)

    async def _read_ahead(self) -> None:
        """For the next question, which is not to wait for it; without it, that takes the way step by step."""
        try:
            self._ahead = await in_thread(self._ahead_of_page)()
        except OUTAGES as error:
            log.info("not_read_ahead", error=type(error).__name__)

    def _ahead_of_page(self) -> ReadAhead | None:
        user = user_of_session(self.session_key)
        return read_ahead(user, self._conversation_id, may_begin=self._is_new) if user else None

    async def _run_quickly(self, message: Message) -> bool:
        """False where nothing was started, and nothing said: then it is for ``_run``."""
        ahead = self._ahead
        if ahead is None or self.runs.is_draining:
            return False
        await turn()
        checked = RunForm(message)
        if not checked.is_valid() or not ahead.fits(form := checked.to_request()):
            return False
        if not await self.runs.has_session(self.session_key):
            return False
        self._ahead = None
        if checked.has_prompt:
            try:
                form = await in_thread(checked.to_request_of)(ahead.user)
            except RunRefused:
                return False
        run = await self.runs.quick_start.start(ahead, form)
        if run is None or run.started.order is None:
            return False
        await self._launch(run.started.order, form, ahead.user)
        # To build what the page shows takes the loop as long: the request leaves first.
        await asyncio.sleep(REQUEST_SECONDS)
        await turn()
        await self.send(fragments.render_messages(run, ahead.branch))
        self.watch(run.started.order.generation_id, run.started.answer_id, ahead.user)
        await self.send(await in_thread(fragments.render_begun)(run.conversation, is_new=ahead.is_new))
        await in_thread(self._note_quick_run)(run)
        return True

    def _note_quick_run(self, run: QuickRun) -> None:
        """What the answer does not wait for."""
        note_activity(session_key=self.session_key)
        if run.token is not None:
            stamp_use(run.token)
        appended(run.audit_sequence)

    async def _run(self, user: User, message: Message) -> None:
        if self.runs.is_draining:
            return await self._refuse({"__all__": ["AISTRALE is restarting. Your text is kept: send it again soon."]})
        form = RunForm(message)
        if not form.is_valid():
            return await self._refuse(form.errors)
        try:
            async with self.runs.starting:
                started = await in_thread(self._start)(user, form)
        except LimitReached as limit:
            await in_thread(note_limit_hit)(user, limit.kind)
            return await self._refuse({limit.field: [limit.message]})
        except RunRefused as refusal:
            return await self._refuse({refusal.field: [refusal.message]})
        except Conversation.DoesNotExist:
            return await self.close(NOT_FOUND)
        if started is not None:
            await self._show(started, form.to_request(), user)
        # Not before: the answer should not wait for it.
        await in_thread(note_activity)(session_key=self.session_key)

    def _start(self, user: User, form: RunForm) -> StartedRun | None:
        return start_run(
            user=user,
            conversation_id=self._conversation_id,
            is_new=self._is_new,
            form=form.to_request_of(user),
        )

    async def _show(self, started: StartedRun, form: RunRequest, user: User) -> None:
        if started.order is not None:
            await self._launch(started.order, form, user)
        await self.send(await in_thread(fragments.render_started)(started, form, viewer=user))
        if started.order is not None:
            self.watch(started.order.generation_id, started.answer_id, user)

    async def _launch(self, order: PreparedRun, form: RunRequest, user: User) -> None:
        # Where nothing was asked, nothing is awaited before the launch: whoever stops later finds the run.
        if is_stopped := early_stops.take(user.pk, form.client_id):
            await in_thread(request_stop)(user=user, generation_id=order.generation_id)
        self.runs.launch(order)
        if is_stopped:
            await self.runs.stop(order.generation_id)

    async def _stop(self, user: User, message: Message) -> None:
        """Stop the run ``generation``, or that of the form ``client_id``, which may not have been started yet."""
        generation_id = uuid_of(message.get("generation"))
        if client_id := uuid_of(message.get("client_id")):
            early_stops.note(user.pk, client_id, now=time.monotonic())
            generation_id = await in_thread(self._run_of(user, client_id).first)()
        if generation_id and await in_thread(request_stop)(user=user, generation_id=generation_id):
            await self.runs.stop(generation_id)

    async def _retry(self, user: User, message: Message) -> None:
        """Let the run ``generation`` wait no longer for its next attempt."""
        generation_id = uuid_of(message.get("generation"))
        if generation_id and await in_thread(self._is_running(user, generation_id).exists)():
            await self.runs.hurry(generation_id)

    def _is_running(self, user: User, generation_id: UUID) -> QuerySet[Generation]:
        own = Generation.objects.running().filter(user=user, message__conversation=self._conversation_id)
        return own.filter(pk=generation_id)

    def _run_of(self, user: User, client_id: UUID) -> QuerySet[Generation, UUID]:
        asked = Q(message__client_id=None, message__parent__client_id=client_id)
        running = Generation.objects.running().filter(asked | Q(message__client_id=client_id))
        return running.filter(user=user, message__conversation=self._conversation_id).values_list("pk", flat=True)

    async def paint(self, generation_id: UUID, answer_id: int, user: User) -> None:
        renderer = StreamRenderer(answer_id)
        async with aclosing(self.runs.watch(generation_id)) as batches:
            async for batch in batches:
                await self.send(await renderer.paint(batch))
        await self.send(await renderer.finish() + await in_thread(fragments.render_ended)(answer_id, viewer=user))
        await self._read_ahead()
        if titled := await titles.make(self.runs, user, answer_id):
            await self.send(fragments.render_title(titled))

    async def _refuse(self, errors: Any) -> None:
        await self.send(render_to_string("inference/_composer_errors.html", {"errors": errors, "is_swap": True}))
