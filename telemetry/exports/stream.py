"""Exports, batch by batch: between two of them no connection is held, however slowly a file is taken."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from channels.db import database_sync_to_async
from django.db import connection
from django.db.models import Q

from telemetry.exports import parquet
from telemetry.exports.columns import batch_of
from telemetry.exports.text import CSV, JSON_LINES, TextFormat
from telemetry.models import GenerationQuerySet

BATCH = 20_000
TEXT_FORMATS = {"csv": CSV, "jsonl": JSON_LINES}
CONTENT_TYPES = {name: one.content_type for name, one in TEXT_FORMATS.items()} | {"parquet": parquet.CONTENT_TYPE}


def exported(calls: GenerationQuerySet, file_format: str, names: Sequence[str]) -> AsyncGenerator[str | bytes]:
    """The file, newest call first, in a format of ``CONTENT_TYPES``, with the columns of ``columns.chosen``."""
    if file_format in TEXT_FORMATS:
        return _text(calls, TEXT_FORMATS[file_format], names)
    return parquet.stream(names, lambda: _rows(calls, names))


async def _text(
    calls: GenerationQuerySet, text_format: TextFormat, names: Sequence[str]
) -> AsyncGenerator[str | bytes]:
    if text_format.has_head:
        yield f"{','.join(names)}\n"
    left: GenerationQuerySet | None = calls
    while left is not None:
        text, left = await database_sync_to_async(_copied)(left, text_format, names)
        yield text


def _copied(
    calls: GenerationQuerySet, text_format: TextFormat, names: Sequence[str]
) -> tuple[str, GenerationQuerySet | None]:
    """The newest of the calls as text, and those that are left."""
    statement, parameters = batch_of(calls, names, text_format.written_as, BATCH)
    with connection.cursor() as cursor, cursor.cursor.copy(text_format.copy.format(statement), parameters) as copy:
        rows = [str(row, "utf-8") for row in copy]
    left = _older(calls, *text_format.position(rows[-1])) if len(rows) == BATCH else None
    return text_format.written(rows), left


def _rows(calls: GenerationQuerySet, names: Sequence[str]) -> Iterator[list[tuple[Any, ...]]]:
    left: GenerationQuerySet | None = calls
    while left is not None:
        statement, parameters = batch_of(left, names, parquet.WRITTEN_AS, BATCH)
        with connection.cursor() as cursor:
            cursor.execute(statement, parameters)
            rows = cursor.fetchall()
        left = _older(calls, parquet.moment(rows[-1][1]), UUID(rows[-1][0])) if len(rows) == BATCH else None
        # This is a thread of its own, which waits for whoever takes the file.
        connection.close()
        yield rows


def _older(calls: GenerationQuerySet, moment: datetime, pk: UUID) -> GenerationQuerySet:
    """Those of the calls that come after the last one of a batch."""
    return calls.filter(Q(started_at__lt=moment) | Q(id__lt=pk), started_at__lte=moment)
