"""Export and erasure of personal data, app by app.

Each app that keeps something registers its handler when it is ready.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from graphlib import TopologicalSorter
from itertools import islice
from typing import Any, TypeVar

from channels.db import database_sync_to_async
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models

from accounts.models import User

Values = Mapping[str, Any]
M = TypeVar("M", bound=models.Model)
_BATCH = 200
_BATCH_CHARACTERS = 1_000_000


@dataclass(frozen=True, slots=True)
class PersonalDataHandler:
    """``export`` gives one mapping with a ``kind`` for each thing, without secrets. ``erase`` destroys all of it, or
    cuts it off from the person, within the caller's transaction, and tells how many there were by kind.

    ``covers`` names the foreign keys to users that this takes care of, as ``app.model.field``. ``before`` names the
    handlers that may erase only after this one, since it needs what they destroy.
    """

    name: str
    export: Callable[[User], Iterator[Values]]
    erase: Callable[[User, User | None], Mapping[str, int]]
    covers: frozenset[str]
    before: frozenset[str] = frozenset()


_handlers: dict[str, PersonalDataHandler] = {}


def register(handler: PersonalDataHandler) -> None:
    _handlers[handler.name] = handler


def handlers() -> list[PersonalDataHandler]:
    """In the order in which they erase."""
    order: TopologicalSorter[str] = TopologicalSorter(dict.fromkeys(_handlers, ()))
    for handler in _handlers.values():
        for later in handler.before:
            order.add(later, handler.name)
    return [_handlers[name] for name in order.static_order()]


def in_batches(rows: models.QuerySet[M]) -> Iterator[M]:
    """In the order of their keys. Between batches no cursor is open, so that a slow reader holds no connection."""
    rows = rows.order_by("pk")
    batch = list(rows[:_BATCH])
    while batch:
        yield from batch
        batch = list(rows.filter(pk__gt=batch[-1].pk)[:_BATCH])


def values_of(row: models.Model, kind: str, *fields: str) -> dict[str, Any]:
    return {"kind": kind, **{field: getattr(row, field) for field in fields}}


def export_rows(user: User) -> Iterator[Values]:
    """All of it, between a first one that says whose it is and a last one that says how many there are."""
    yield {"kind": "export", "of": user.email, "created": datetime.now(UTC)}
    count = 2
    for handler in handlers():
        for values in handler.export(user):
            count += 1
            yield values
    yield {"kind": "end", "lines": count}


async def lines(user: User) -> AsyncGenerator[str]:
    """The same as JSON Lines, in batches of lines, of which only the last may make one long."""
    rows = map(_line, export_rows(user))
    while batch := await database_sync_to_async(_next)(rows):
        yield batch


def _next(rows: Iterator[str]) -> str:
    batch: list[str] = []
    length = 0
    for row in islice(rows, _BATCH):
        batch.append(row)
        length += len(row)
        if length > _BATCH_CHARACTERS:
            break
    return "".join(batch)


def _line(values: Values) -> str:
    """ASCII only: nothing in it can end the line early or move a terminal's cursor."""
    return f"{json.dumps(values, cls=DjangoJSONEncoder)}\n"
