"""The list of entries as CSV or JSON Lines, streamed in batches, safe for spreadsheets and terminals."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from typing import Any

from channels.db import database_sync_to_async

from audit.models import AuditEvent, AuditEventQuerySet, Viewer
from audit.rows import personal_of
from audit.text import escape_controls

COLUMNS = [
    "sequence", "timestamp", "action", "outcome", "actor", "actor_name", "role", "target_type", "target_id",
    "target_name", "owner", "source", "address", "user_agent", "request_id", "before", "after", "hash",
]  # fmt: skip
_BATCH = 500
_FORMULA = ("=", "+", "-", "@")

Row = dict[str, Any]


def row_of(event: AuditEvent, viewer: Viewer) -> Row:
    """The columns of an entry, as far as ``viewer`` may see them; the time as in the hashed body."""
    personal = personal_of(event, viewer)
    named: Row = {
        "sequence": event.sequence,
        "hash": event.hash,
        "actor_name": personal.get("actor"),
        "target_name": personal.get("target"),
        "address": personal.get("address"),
        "user_agent": personal.get("user_agent"),
    }
    return {column: named[column] if column in named else event.entry[column] for column in COLUMNS}


def json_line(row: Row) -> str:
    """One line, ASCII only: nothing in it can end the line early or move a terminal's cursor."""
    return f"{json.dumps(row)}\n"


def csv_line(row: Row) -> str:
    line = io.StringIO()
    csv.writer(line).writerow([cell(row[column]) for column in COLUMNS])
    return line.getvalue()


@dataclass(frozen=True, slots=True)
class Format:
    content_type: str
    line_of: Callable[[Row], str]
    head: str = ""


FORMATS = {
    "csv": Format("text/csv; charset=utf-8", csv_line, f"{','.join(COLUMNS)}\r\n"),
    "jsonl": Format("application/jsonl", json_line),
}


async def lines(events: AuditEventQuerySet, viewer: Viewer, written_as: Format) -> AsyncGenerator[str]:
    """The format's head, then a line for each entry, newest first. Between batches no connection is held."""
    yield written_as.head
    last: int | None = None
    while batch := await database_sync_to_async(_batch)(events, last):
        yield "".join(written_as.line_of(row_of(event, viewer)) for event in batch)
        last = batch[-1].sequence


def _batch(events: AuditEventQuerySet, last: int | None) -> list[AuditEvent]:
    older = events if last is None else events.filter(sequence__lt=last)
    return list(older.select_related("details")[:_BATCH])


def cell(value: Any) -> str:
    """Control characters escaped, and an apostrophe before what a spreadsheet would compute."""
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    shown = escape_controls(text)
    return f"'{shown}" if shown.lstrip().startswith(_FORMULA) else shown
