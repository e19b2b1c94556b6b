"""CSV and JSON Lines as PostgreSQL writes them (COPY), made safe for spreadsheets and terminals.

Almost no row needs it: a batch is looked through at once, and taken apart only where something is found.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from audit.table_export import cell
from telemetry.exports.columns import Kind

# What a spreadsheet may compute, at the beginning of a cell.
_FORMULA = re.compile(r'[,\n"]\s*[=+\-@]')
_NOT_ASCII = re.compile("[^\0-\x7f]")


def csv_text(rows: Sequence[str]) -> str:
    text = "".join(rows)
    if text.count("\n") == len(rows) and _is_harmless(text):
        return text
    return "".join(row if row.count("\n") == 1 and _is_harmless(row) else _made_safe(row) for row in rows)


def json_text(rows: Sequence[str]) -> str:
    """ASCII only: nothing in a line can end it early or move a terminal's cursor."""
    text = "".join(rows)
    return text if text.isascii() else _NOT_ASCII.sub(lambda match: json.dumps(match[0])[1:-1], text)


def _is_harmless(text: str) -> bool:
    return text.replace("\n", "").isprintable() and not _FORMULA.search(f"\n{text}")


def _made_safe(row: str) -> str:
    line = io.StringIO()
    cells = next(csv.reader([row.removesuffix("\n")], strict=True)) if row.count("\n") == 1 else _cells(row)
    csv.writer(line, lineterminator="\n").writerow([cell(value) for value in cells])
    return line.getvalue()


def _cells(row: str) -> list[str]:
    """Of a row with line breaks in its cells."""
    return next(csv.reader(io.StringIO(row, newline=""), strict=True))


@dataclass(frozen=True, slots=True)
class TextFormat:
    """``copy`` wraps the statement of a batch. ``written`` takes its rows, each with the end of its line."""

    content_type: str
    copy: str
    written: Callable[[Sequence[str]], str]
    has_head: bool = False

    @property
    def written_as(self) -> dict[Kind, str]:
        return {Kind.LIST: Kind.LIST.value + "::text"} if self.has_head else {Kind.TEXT: "{}"}

    def position(self, row: str) -> tuple[datetime, UUID]:
        """Of the call in the row: the first two columns of every file, the other way round."""
        pk, moment = row.split(",", 2)[:2] if self.has_head else list(json.loads(row).values())[:2]
        return datetime.fromisoformat(moment), UUID(pk)


CSV = TextFormat("text/csv; charset=utf-8", "COPY ({}) TO STDOUT (FORMAT csv)", csv_text, has_head=True)
# As CSV of one cell, with quotes that JSON never contains: as text, COPY would escape backslashes.
JSON_LINES = TextFormat(
    "application/jsonl",
    "COPY (SELECT row_to_json(line) FROM ({}) AS line) TO STDOUT (FORMAT csv, QUOTE E'\\x01', DELIMITER E'\\x02')",
    json_text,
)
