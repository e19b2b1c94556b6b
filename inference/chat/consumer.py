"""The socket of a chat page: it starts, stops and watches runs, and never owns one."""

from __future__ import annotations

import asyncio
import time
from contextlib import aclosing
from typing import Any
from uuid import UUID, uuid4

import orjson
import structlog
from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings
from django.db.models import Q, QuerySet
from django.template.loader import render_to_string

from accounts.admission import OUTAGES, humanize_outage
from accounts.models import User
from accounts.sessions.services import note_activity
from accounts.sessions.users import user_of_session
from accounts.sessions.watch import SessionWatch, Subscription, Watched
from audit.context import Source, bind
from audit.services import appended
from inference.chat import fragments
from inference.chat.forms import RunForm
from inference.chat.new_conversation_token import verify
from inference.chat.socket_state import EarlyStops, MessageRate, OpenSockets
from inference.chat.stream_renderer import StreamRenderer
from inference.conversations.sharing import newest_seen
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

# Application codes of WebSocket closes (RFC 6455, 7.4.2).
LOGIN_NEEDED = 4401
NOT_FOUND = 4404
BAD_MESSAGE = 4400
TOO_MANY = 4429
TRY_AGAIN = 1013
REQUEST_SECONDS = 0.003

log = structlog.get_logger(__name__)
sessions = SessionWatch(newest_seen)
open_sockets = OpenSockets()
early_stops = EarlyStops()


class ChatConsumer(AsyncWebsocketConsumer):
    """One page on one conversation. Every message checks anew who is asking and what is theirs."""

    def __init__(self, *, runs: Runs) -> None:
        super().__init__()
        self.runs = runs

    async def dispatch(self, message: dict[str, Any]) -> None:
        try:
            await super().dispatch(message)
        except OUTAGES as error:
            await self._try_again(error)

    async def _try_again(self, error: Exception) -> None:
        """Let the page say what is out of reach, and connect again by and by."""
        log.warning("socket_closed_by_outage", error=type(error).__name__)
        await self.close(TRY_AGAIN, humanize_outage(error))

    async def connect(self) -> None:
        bind(
            source=Source.SOCKET,
            address=(self.scope.get("client") or ("",))[0],
            user_agent=dict(self.scope["headers"]).get(b"user-agent", b"").decode("latin-1"),
            request_id=uuid4().hex,
        )
        self._watching: dict[UUID, asyncio.Task[None]] = {}
        self._session: Watched | None = None
        self._counted_for: int | None = None
        self._rate = MessageRate()
        self._ahead: ReadAhead | None = None
        user = await self._user()
        if user is None:
            return await self.close(LOGIN_NEEDED)
        if not open_sockets.enter(user.pk, limit=settings.LIMIT_SOCKETS):
            await in_thread(note_limit_hit)(user, "sockets")
            return await self.close(TOO_MANY)
        self._counted_for = user.pk
        conversation_id, self._is_new = await self._find_conversation(user)
        if conversation_id is None:
            return await self.close(NOT_FOUND)
        self._conversation_id = conversation_id
        await self.accept()
        subscription = None if self._is_new else await self._subscription(user)
        self._session = sessions.start(self._session_key, user, self._end, subscription)
        await self._read_ahead()

    async def disconnect(self, code: int) -> None:
        if session := getattr(self, "_session", None):
            sessions.stop(session)
        if (user_pk := getattr(self, "_counted_for", None)) is not None:
            open_sockets.leave(user_pk)
        await self._watch_nothing()

    async def _end(self) -> None:
        """The session is over, or the user's rights are others: a page that may still be shown connects again."""
        await self._watch_nothing()
        try:
            user = await self._user()
            is_visible = user is not None and (self._is_new or await self._is_visible(user))
        except OUTAGES as error:
            return await self._try_again(error)
        if user is None:
            return await self.close(LOGIN_NEEDED)
        await self.close(TRY_AGAIN if is_visible else NOT_FOUND)

    async def _subscription(self, user: User) -> Subscription | None:
        """None for the owner's page, which shows by itself what it asks, and is not let in by anybody."""
        own = Conversation.objects.owned_by(user).filter(pk=self._conversation_id)
        return None if await in_thread(own.exists)() else Subscription((user.pk, self._conversation_id), self._tell)

    async def _tell(self, newest: int) -> None:
        await self.send(fragments.render_news(newest))

    async def _watch_nothing(self) -> None:
        tasks = list(getattr(self, "_watching", {}).values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        # Before the message is looked at.
        if not self._rate.take(now=time.monotonic()):
            return await self.close(TOO_MANY)
        message = _decoded(text_data)
        handlers = {"watch": self._watch_all, "run": self._run, "again": self._run, "stop": self._stop}
        handler = handlers.get(str(message.get("type"))) if message else None
        if message is None or handler is None:
            return await self.close(BAD_MESSAGE)
        if message["type"] == "run" and await self._run_quickly(message):
            return
        user = await self._user()
        if user is None:
            return await self.close(LOGIN_NEEDED)
        await handler(user, message)

    @property
    def _session_key(self) -> str:
        return self.scope["cookies"].get(settings.SESSION_COOKIE_NAME, "")

    async def _user(self) -> User | None:
        return await in_thread(user_of_session)(self._session_key)

    async def _find_conversation(self, user: User) -> tuple[UUID | None, bool]:
        kwargs = self.scope["url_route"]["kwargs"]
        if "signed" in kwargs:
            return verify(kwargs["signed"], user), True
        self._conversation_id = kwargs["pk"]
        return (kwargs["pk"] if await self._is_visible(user) else None), False

    async def _is_visible(self, user: User) -> bool:
        return await in_thread(Conversation.objects.visible_to(user).filter(pk=self._conversation_id).exists)()

    async def _watch_all(self, user: User, message: dict[str, Any]) -> None:
        """Show what is running in this conversation, from its beginning."""
        running = Generation.objects.running().filter(
            message__conversation__in=Conversation.objects.visible_to(user).filter(pk=self._conversation_id)
        )
        for generation_id, answer_id in await in_thread(lambda: list(running.values_list("pk", "message__pk")))():
            self._watch(generation_id, answer_id, user)

    async def _read_ahead(self) -> None:
        """For the next question, which is not to wait for it; without it, that takes the way step by step."""
        try:
            self._ahead = await in_thread(self._ahead_of_page)()
        except OUTAGES as error:
            log.info("not_read_ahead", error=type(error).__name__)

    def _ahead_of_page(self) -> ReadAhead | None:
        user = user_of_session(self._session_key)
        return read_ahead(user, self._conversation_id, may_begin=self._is_new) if user else None

    async def _run_quickly(self, message: dict[str, Any]) -> bool:
        """False where nothing was started, and nothing said: then it is for ``_run``."""
        ahead = self._ahead
        if ahead is None or self.runs.is_draining:
            return False
        await turn()
        checked = RunForm(message)
        if not checked.is_valid() or not ahead.fits(form := checked.to_request()):
            return False
        if not await self.runs.has_session(self._session_key):
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
        await self.send(fragments.render_started_quickly(run, ahead.branch))
        self._watch(run.started.order.generation_id, run.started.answer_id, ahead.user)
        await in_thread(self._note_quick_run)(run)
        return True

    def _note_quick_run(self, run: QuickRun) -> None:
        """What the answer does not wait for."""
        note_activity(session_key=self._session_key)
        if run.token is not None:
            stamp_use(run.token)
        appended(run.audit_sequence)

    async def _run(self, user: User, message: dict[str, Any]) -> None:
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
        await in_thread(note_activity)(session_key=self._session_key)

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
            self._watch(started.order.generation_id, started.answer_id, user)

    async def _launch(self, order: PreparedRun, form: RunRequest, user: User) -> None:
        # Where nothing was asked, nothing is awaited before the launch: whoever stops later finds the run.
        if is_stopped := early_stops.take(user.pk, form.client_id):
            await in_thread(request_stop)(user=user, generation_id=order.generation_id)
        self.runs.launch(order)
        if is_stopped:
            await self.runs.stop(order.generation_id)

    async def _stop(self, user: User, message: dict[str, Any]) -> None:
        """Stop the run ``generation``, or that of the form ``client_id``, which may not have been started yet."""
        generation_id = _uuid(message.get("generation"))
        if client_id := _uuid(message.get("client_id")):
            early_stops.note(user.pk, client_id, now=time.monotonic())
            generation_id = await in_thread(self._run_of(user, client_id).first)()
        if generation_id and await in_thread(request_stop)(user=user, generation_id=generation_id):
            await self.runs.stop(generation_id)

    def _run_of(self, user: User, client_id: UUID) -> QuerySet[Generation, UUID]:
        asked = Q(message__client_id=None, message__parent__client_id=client_id)
        running = Generation.objects.running().filter(asked | Q(message__client_id=client_id))
        return running.filter(user=user, message__conversation=self._conversation_id).values_list("pk", flat=True)

    def _watch(self, generation_id: UUID, answer_id: int, user: User) -> None:
        if old := self._watching.get(generation_id):
            old.cancel()
        self._watching[generation_id] = asyncio.create_task(self._render(generation_id, answer_id, user))

    async def _render(self, generation_id: UUID, answer_id: int, user: User) -> None:
        try:
            await self._render_to_the_end(generation_id, answer_id, user)
        except OUTAGES as error:
            await self._try_again(error)
        except Exception:
            # The page connects again and asks anew for what is stored by then.
            log.exception("watching_failed", generation=str(generation_id))
            await self.close(TRY_AGAIN)

    async def _render_to_the_end(self, generation_id: UUID, answer_id: int, user: User) -> None:
        renderer = StreamRenderer(answer_id)
        async with aclosing(self.runs.watch(generation_id)) as batches:
            async for batch in batches:
                await self.send(await renderer.paint(batch))
        await self.send(await renderer.finish() + await in_thread(fragments.render_ended)(answer_id, viewer=user))
        await self._read_ahead()

    async def _refuse(self, errors: Any) -> None:
        await self.send(render_to_string("inference/_composer_errors.html", {"errors": errors, "is_swap": True}))


def _decoded(text: str | None) -> dict[str, Any] | None:
    try:
        message = orjson.loads(text or "")
    except orjson.JSONDecodeError:
        return None
    return message if isinstance(message, dict) else None


def _uuid(value: object) -> UUID | None:
    try:
        return UUID(str(value))
    except ValueError:
        return None
