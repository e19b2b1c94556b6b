"""The worker's way to its queue: Django's pooled connections for queries, one connection more to listen on."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable
from typing import Any, LiteralString, ParamSpec, TypeVar

import psycopg
from procrastinate.connector import Notify
from procrastinate.contrib.django.django_connector import DjangoConnector, wrap_exceptions
from procrastinate.exceptions import ConnectorException, UniqueViolation
from psycopg.sql import SQL, Identifier

from inference.runs.database import in_thread
from inference.runs.process_lock import connection_parameters

P = ParamSpec("P")
R = TypeVar("R")


class WorkerConnector(DjangoConnector):
    """Raises ConnectorException where the database does not answer, after as long as pages wait for it."""

    def __init__(self, *, on_failure: Callable[[ConnectorException], None]) -> None:
        """``on_failure``: a query has failed, and what became of it is not known, or nothing is notified any more."""
        super().__init__()
        self._on_failure = on_failure

    async def execute_query_async(self, query: LiteralString, **arguments: Any) -> None:
        await self._in_thread(self.execute_query, query, **arguments)

    async def execute_query_one_async(self, query: LiteralString, **arguments: Any) -> dict[str, Any]:
        return _decoded(await self._in_thread(self.execute_query_one, query, **arguments))

    async def execute_query_all_async(self, query: LiteralString, **arguments: Any) -> list[dict[str, Any]]:
        return [_decoded(row) for row in await self._in_thread(self.execute_query_all, query, **arguments)]

    async def _in_thread(self, execute: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return await in_thread(execute)(*args, **kwargs)
        except UniqueViolation:
            raise
        except ConnectorException as error:
            self._on_failure(error)
            raise

    async def listen_notify(self, on_notification: Notify, channels: Iterable[str]) -> None:
        try:
            await self._listen(on_notification, channels)
        except ConnectorException as error:
            self._on_failure(error)

    async def _listen(self, on_notification: Notify, channels: Iterable[str]) -> None:
        parameters = connection_parameters() | {"cursor_factory": psycopg.AsyncCursor}
        with wrap_exceptions():
            async with await psycopg.AsyncConnection.connect(**parameters, autocommit=True) as session:
                for channel in channels:
                    await session.execute(SQL("LISTEN {}").format(Identifier(channel)))
                while True:
                    async for notification in session.notifies(timeout=0):
                        await on_notification(channel=notification.channel, payload=notification.payload)
                    await _readable(session.fileno())


async def _readable(descriptor: int) -> None:
    """Wait for it without a look at it ten times a second, as psycopg does."""
    loop, event = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(descriptor, event.set)
    try:
        await event.wait()
    finally:
        loop.remove_reader(descriptor)


def _decoded(row: dict[str, Any]) -> dict[str, Any]:
    """Django has its connections leave JSON as text, for its own fields."""
    args = row.get("args")
    return {**row, "args": json.loads(args)} if isinstance(args, str) else row
