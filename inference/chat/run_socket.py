"""The socket of a page that shows runs: who may open it, what it may send, and when it ends. It never owns a run."""

from __future__ import annotations

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from uuid import UUID, uuid4

import orjson
import structlog
from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings

from accounts.admission import OUTAGES, humanize_outage
from accounts.models import User
from accounts.sessions.users import user_of_session
from accounts.sessions.watch import SessionWatch, Subscription, Watched
from audit.context import Source, bind
from inference.chat.socket_state import EarlyStops, MessageRate, OpenSockets
from inference.conversations.sharing import newest_seen
from inference.runs.active import Runs
from inference.runs.database import in_thread
from inference.runs.limits import note_limit_hit
from inference.runs.relay import CopyIsCut

# Application codes of WebSocket closes (RFC 6455, 7.4.2).
LOGIN_NEEDED = 4401
NOT_FOUND = 4404
BAD_MESSAGE = 4400
TOO_MANY = 4429
TRY_AGAIN = 1013

log = structlog.get_logger(__name__)
sessions = SessionWatch(newest_seen)
open_sockets = OpenSockets()
early_stops = EarlyStops()

Message = Mapping[str, Any]
Handler = Callable[[User, Message], Awaitable[None]]


class RunSocket(AsyncWebsocketConsumer, ABC):
    """One page. Every message checks anew who is asking and what is theirs."""

    def __init__(self, *, runs: Runs) -> None:
        super().__init__()
        self.runs = runs

    @abstractmethod
    async def find(self, user: User) -> bool:
        """Whether there is what the page shows, for this user."""

    @abstractmethod
    async def is_visible(self, user: User) -> bool:
        """Whether the user may still see what the page shows."""

    @abstractmethod
    def handlers(self) -> Mapping[str, Handler]:
        """By the type of the message."""

    @abstractmethod
    async def paint(self, generation_id: UUID, answer_id: int, user: User) -> None:
        """Send an answer from its beginning to its end."""

    async def subscription(self, user: User) -> Subscription | None:
        """News of others that the page wants to be told."""
        return None

    async def opened(self) -> None:
        """What is done once the socket is open, and waited for by nobody."""

    async def taken_at_once(self, message: Message) -> bool:
        """Whether the message was dealt with before anything was asked of the database."""
        return False

    async def dispatch(self, message: dict[str, Any]) -> None:
        try:
            await super().dispatch(message)
        except OUTAGES as error:
            await self.try_again(error)

    async def try_again(self, error: Exception) -> None:
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
        user = await self.user()
        if user is None:
            return await self.close(LOGIN_NEEDED)
        if not open_sockets.enter(user.pk, limit=settings.LIMIT_SOCKETS):
            await in_thread(note_limit_hit)(user, "sockets")
            return await self.close(TOO_MANY)
        self._counted_for = user.pk
        if not await self.find(user):
            return await self.close(NOT_FOUND)
        await self.accept()
        self._session = sessions.start(self.session_key, user, self._end, await self.subscription(user))
        await self.opened()

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
            user = await self.user()
            is_visible = user is not None and await self.is_visible(user)
        except OUTAGES as error:
            return await self.try_again(error)
        if user is None:
            return await self.close(LOGIN_NEEDED)
        await self.close(TRY_AGAIN if is_visible else NOT_FOUND)

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
        handler = self.handlers().get(str(message.get("type"))) if message else None
        if message is None or handler is None:
            return await self.close(BAD_MESSAGE)
        if await self.taken_at_once(message):
            return
        user = await self.user()
        if user is None:
            return await self.close(LOGIN_NEEDED)
        await handler(user, message)

    @property
    def session_key(self) -> str:
        return self.scope["cookies"].get(settings.SESSION_COOKIE_NAME, "")

    async def user(self) -> User | None:
        return await in_thread(user_of_session)(self.session_key)

    def watch(self, generation_id: UUID, answer_id: int, user: User) -> None:
        if old := self._watching.get(generation_id):
            old.cancel()
        self._watching[generation_id] = asyncio.create_task(self._paint(generation_id, answer_id, user))

    async def _paint(self, generation_id: UUID, answer_id: int, user: User) -> None:
        try:
            await self.paint(generation_id, answer_id, user)
        except OUTAGES as error:
            await self.try_again(error)
        except CopyIsCut:
            await self.close(TRY_AGAIN)
        except Exception:
            # The page connects again and asks anew for what is stored by then.
            log.exception("watching_failed", generation=str(generation_id))
            await self.close(TRY_AGAIN)


def _decoded(text: str | None) -> dict[str, Any] | None:
    try:
        message = orjson.loads(text or "")
    except orjson.JSONDecodeError:
        return None
    return message if isinstance(message, dict) else None


def uuid_of(value: object) -> UUID | None:
    try:
        return UUID(str(value))
    except ValueError:
        return None
