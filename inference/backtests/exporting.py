"""The results of a backtest as files, a call to a line."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import AsyncGenerator, Callable, Sequence
from typing import Any

from channels.db import database_sync_to_async
from django.core.serializers.json import DjangoJSONEncoder

from audit.table_export import cell
from inference.backtests.comparing import FIGURES, SCHEMA, TOOLS
from inference.backtests.models import Backtest, BacktestCall
from inference.backtests.settling import answer_of, calls_of

Lines = AsyncGenerator[str, None]
Values = dict[str, Any]
_ROW = ("call_id", "replay_id", "state", "verdict", "decided_by", "problem", "cost_usd")
_COLUMNS = [
    *_ROW,
    *(f"{name}_{side}" for name in (SCHEMA, TOOLS, *FIGURES) for side in ("before", "after")),
    *("answer_before", "answer_after", "tool_calls_before", "tool_calls_after"),
]
# Texts may be long: so many are in memory at a time.
_BATCH = 50


async def as_csv(backtest: Backtest) -> Lines:
    """Safe for spreadsheets."""
    yield f"{','.join(_COLUMNS)}\r\n"
    async for lines in _lines(backtest, _csv_line):
        yield lines


async def as_jsonl(backtest: Backtest) -> Lines:
    async for lines in _lines(backtest, _json_line):
        yield lines


async def _lines(backtest: Backtest, written: Callable[[Values], str]) -> Lines:
    """Between batches no connection is held."""
    position = 0
    while batch := await database_sync_to_async(_batch)(backtest, position):
        yield "".join(written(values) for _, values in batch)
        position = batch[-1][0]


def _batch(backtest: Backtest, position: int) -> list[tuple[int, Values]]:
    rows = list(backtest.calls.filter(position__gt=position)[:_BATCH])
    calls = calls_of([pk for row in rows for pk in (row.call_id, row.replay_id) if pk])
    return [(row.position, _values(row, [calls.get(row.call_id), calls.get(row.replay_id)])) for row in rows]


def _values(row: BacktestCall, calls: Sequence[Any]) -> Values:
    values: Values = {name: getattr(row, name) for name in _ROW}
    for side, call in zip(("before", "after"), calls, strict=True):
        answer = answer_of(call) if call else None
        values |= {f"{name}_{side}": measure.get(side) for name, measure in row.measures.items()}
        values[f"answer_{side}"] = answer.text if answer else None
        values[f"tool_calls_{side}"] = answer.tool_calls if answer else None
    return {name: values.get(name) for name in _COLUMNS}


def _json_line(values: Values) -> str:
    return f"{json.dumps(values, cls=DjangoJSONEncoder)}\n"


def _csv_line(values: Values) -> str:
    line = io.StringIO()
    plain = json.loads(json.dumps(values, cls=DjangoJSONEncoder))
    csv.writer(line).writerow([cell(plain[name]) for name in _COLUMNS])
    return line.getvalue()
