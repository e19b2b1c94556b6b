"""Ends connections whose session has ended. One look every two seconds serves all connections of a process."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog
from asgiref.sync import sync_to_async
from django.db import connections

from accounts.models import User
from accounts.session_users import users_of_sessions

INTERVAL_SECONDS = 2.0

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class Watched:
    """``on_end`` is awaited once, when the session is over or its user's role has changed."""

    session_key: str
    role: str
    on_end: Callable[[], Awaitable[None]]


class SessionWatch:
    def __init__(self) -> None:
        self._watched: set[Watched] = set()
        self._task: asyncio.Task[None] | None = None

    def start(self, session_key: str, user: User, on_end: Callable[[], Awaitable[None]]) -> Watched:
        watched = Watched(session_key, user.role, on_end)
        self._watched.add(watched)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._look_again_and_again())
        return watched

    def stop(self, watched: Watched) -> None:
        self._watched.discard(watched)
        if not self._watched and self._task is not None:
            self._task.cancel()
            self._task = None

    async def _look_again_and_again(self) -> None:
        while True:
            await asyncio.sleep(INTERVAL_SECONDS)
            try:
                ended = await self._ended()
            except Exception:
                # A part that is out of reach ends nobody's session; the next look may find it back.
                log.warning("session_watch_failed", exc_info=True)
                continue
            for watched in ended:
                # The next look is not to find it again while its end takes time.
                self._watched.discard(watched)
                await asyncio.gather(watched.on_end(), return_exceptions=True)

    async def _ended(self) -> list[Watched]:
        looked_at = list(self._watched)
        users = await sync_to_async(_users, thread_sensitive=False)({watched.session_key for watched in looked_at})
        return [watched for watched in looked_at if _is_over(watched, users.get(watched.session_key))]


def _is_over(watched: Watched, user: User | None) -> bool:
    return user is None or user.role != watched.role


def _users(session_keys: set[str]) -> dict[str, User]:
    try:
        return users_of_sessions(session_keys)
    finally:
        connections.close_all()
