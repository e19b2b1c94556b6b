"""Pages in turn: so many are made at once as there are database connections for, the others wait.

Without it a hundred requests would take a thread and a connection each, get on at a hundredth of the pace, and give up
all together.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from accounts.admission import Busy, RequestSlot, Slots
from aistrale.base_path import path_of

Scope = dict[str, Any]
Message = dict[str, Any]
Application = Callable[..., Awaitable[None]]

# Proxies give up after a minute.
LONGEST_WAIT_SECONDS = 45.0
MOST_WAITING = 1000
# They tell whether the server is alive, so they do not wait for what it is busy with.
UNQUEUED = "/health/"
# The key of the reason in the scope of a request that could not be served in time, see ``middleware.BusyMiddleware``.
REFUSED = "aistrale.refused"


class PageQueue:
    """First come, first served. A request gives its slot back when its answer starts."""

    def __init__(self, application: Application, *, at_once: int) -> None:
        self._application = application
        self._slots = Slots(at_once, waiting=MOST_WAITING)

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        if path_of(scope).startswith(UNQUEUED):
            return await self._application(scope, receive, send)
        slot = RequestSlot(self._slots)
        try:
            await slot.enter(within=LONGEST_WAIT_SECONDS)
        except Busy as reason:
            return await self._application({**scope, REFUSED: reason}, receive, send)

        async def send_without_slot(message: Message) -> None:
            slot.leave()
            await send(message)

        try:
            await self._application(scope, receive, send_without_slot)
        finally:
            slot.leave()
