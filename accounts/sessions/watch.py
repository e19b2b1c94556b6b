"""Polls sessions and permissions: ends connections that have lost either.

One poll every two seconds serves all connections of a process.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from uuid import UUID

import structlog
from asgiref.sync import sync_to_async
from django.db import connections

from accounts.models import User
from accounts.sessions.users import users_of_sessions

INTERVAL_SECONDS = 2.0

# A user's primary key, and the id of what is shown.
Pair = tuple[int, UUID]
# The version by pair; pairs whose user has no access are left out.
Poll = Callable[[Collection[Pair]], dict[Pair, int]]

log = structlog.get_logger(__name__)


@dataclass(slots=True, eq=False)
class Subscription:
    """An object shared by another user that a connection shows. ``on_news`` is awaited with each new version."""

    pair: Pair
    on_news: Callable[[int], Awaitable[None]]
    version: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Watched:
    """``on_end`` is awaited once: when the session is over, its user's role has changed or access is lost."""

    session_key: str
    role: str
    on_end: Callable[[], Awaitable[None]]
    subscription: Subscription | None = None


class SessionWatch:
    def __init__(self, poll: Poll) -> None:
        self._poll = poll
        self._watched: set[Watched] = set()
        self._task: asyncio.Task[None] | None = None

    def start(
        self,
        session_key: str,
        user: User,
        on_end: Callable[[], Awaitable[None]],
        subscription: Subscription | None = None,
    ) -> Watched:
        watched = Watched(session_key, user.role, on_end, subscription)
        self._watched.add(watched)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._keep_polling())
        return watched

    def stop(self, watched: Watched) -> None:
        self._watched.discard(watched)
        if not self._watched and self._task is not None:
            self._task.cancel()
            self._task = None

    async def _keep_polling(self) -> None:
        while True:
            await asyncio.sleep(INTERVAL_SECONDS)
            try:
                ended, news = await self._what_has_changed()
            except Exception:
                # A part that is out of reach ends nobody's session; the next poll may succeed.
                log.warning("session_watch_failed", exc_info=True)
                continue
            for watched in ended:
                # The next poll must not end it again while this takes time.
                self._watched.discard(watched)
                await asyncio.gather(watched.on_end(), return_exceptions=True)
            for subscription in news:
                await asyncio.gather(subscription.on_news(subscription.version or 0), return_exceptions=True)

    async def _what_has_changed(self) -> tuple[list[Watched], list[Subscription]]:
        polled = list(self._watched)
        keys = {watched.session_key for watched in polled}
        pairs = {watched.subscription.pair for watched in polled if watched.subscription}
        users, versions = await sync_to_async(self._ask, thread_sensitive=False)(keys, pairs)
        ended = [watched for watched in polled if _is_over(watched, users, versions)]
        subscriptions = [watched.subscription for watched in polled if watched.subscription and watched not in ended]
        return ended, [subscription for subscription in subscriptions if _has_news(subscription, versions)]

    def _ask(self, session_keys: set[str], pairs: set[Pair]) -> tuple[dict[str, User], dict[Pair, int]]:
        try:
            return users_of_sessions(session_keys), self._poll(pairs) if pairs else {}
        finally:
            connections.close_all()


def _is_over(watched: Watched, users: dict[str, User], versions: dict[Pair, int]) -> bool:
    user = users.get(watched.session_key)
    if user is None or user.role != watched.role:
        return True
    return watched.subscription is not None and watched.subscription.pair not in versions


def _has_news(subscription: Subscription, versions: dict[Pair, int]) -> bool:
    before, subscription.version = subscription.version, versions[subscription.pair]
    return before != subscription.version
