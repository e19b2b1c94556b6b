"""The list of calls as CSV or JSON Lines, streamed in batches, safe for spreadsheets and terminals."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import AsyncGenerator, Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from channels.db import database_sync_to_async
from django.db.models import Q

from audit.table_export import cell
from telemetry.models import GenerationQuerySet

COLUMNS = (
    "id", "started_at", "first_token_at", "ended_at", "user__email", "provider", "base_url", "request_model",
    "response_model", "status", "finish_reason", "error_type", "error_status", "prompt_name", "prompt_version",
    "token_label", "conversation_id", "session_id", "end_user", "tags", "input_tokens", "cache_read_tokens",
    "cache_write_tokens", "output_tokens", "reasoning_tokens", "usage_source", "cost_usd",
)  # fmt: skip
HEAD = tuple("user" if column == "user__email" else column for column in COLUMNS)
_STARTED_AT = COLUMNS.index("started_at")
_BATCH = 2000

Row = tuple[Any, ...]


def _plain(value: Any) -> Any:
    """Times in UTC, and decimals with all their digits."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    return value if value is None or isinstance(value, (int, str, list)) else str(value)


def _csv_lines(rows: Iterable[Row]) -> str:
    lines = io.StringIO()
    csv.writer(lines).writerows(map(_csv_cells, rows))
    return lines.getvalue()


def _csv_cells(row: Row) -> list[Any]:
    return [cell(_plain(value)) if isinstance(value, (str, list)) else _plain(value) for value in row]


def _json_lines(rows: Iterable[Row]) -> str:
    return "".join(f"{json.dumps(dict(zip(HEAD, map(_plain, row), strict=True)))}\n" for row in rows)


@dataclass(frozen=True, slots=True)
class Format:
    content_type: str
    lines_of: Callable[[Iterable[Row]], str]
    head: str = ""


FORMATS = {
    "csv": Format("text/csv; charset=utf-8", _csv_lines, f"{','.join(HEAD)}\r\n"),
    "jsonl": Format("application/jsonl", _json_lines),
}


async def lines(calls: GenerationQuerySet, written_as: Format) -> AsyncGenerator[str]:
    """The format's head, then a line for each call, newest first. Between batches no connection is held."""
    yield written_as.head
    last: Row | None = None
    while batch := await database_sync_to_async(_batch)(calls, last):
        yield written_as.lines_of(batch)
        last = batch[-1]


def _batch(calls: GenerationQuerySet, last: Row | None) -> list[Row]:
    if last is not None:
        moment = last[_STARTED_AT]
        calls = calls.filter(Q(started_at__lt=moment) | Q(id__lt=last[0]), started_at__lte=moment)
    return list(calls.order_by("-started_at", "-id").values_list(*COLUMNS)[:_BATCH])
