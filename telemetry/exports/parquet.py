"""Parquet, written by arro3 (the Rust library of Apache Arrow) in a thread of its own."""

from __future__ import annotations

import asyncio
import io
import queue
import threading
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import IO, Any, cast

from arro3.core import Array, DataType, Field, RecordBatch, RecordBatchReader, Schema, list_array
from arro3.io import write_parquet

from telemetry.exports.columns import COLUMNS, Kind

CONTENT_TYPE = "application/vnd.apache.parquet"
# How PostgreSQL hands over values that arro3 casts.
WRITTEN_AS = {
    Kind.TEXT: "{}",
    Kind.TIME: "(extract(epoch FROM {}) * 1000000)::bigint",
    Kind.LIST: "{}",
}
_PIECES_AHEAD = 4
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TEXT, _INTEGER = DataType.utf8(), DataType.int64()
# Of each kind the type that values come in, and the one that they are stored as.
_TYPES = {
    Kind.ID: (_TEXT, _TEXT),
    Kind.TEXT: (_TEXT, _TEXT),
    Kind.NUMBER: (_INTEGER, _INTEGER),
    Kind.TIME: (_INTEGER, DataType.timestamp("us", tz="UTC")),
    Kind.DECIMAL: (_TEXT, DataType.decimal128(24, 12)),
}
Rows = Sequence[tuple[Any, ...]]


class _Abandoned(Exception):
    """Nobody reads the file any more."""


class _Pipe(io.RawIOBase):
    """What is written to it waits, a few pieces at most, until it is taken."""

    def __init__(self) -> None:
        self.pieces: queue.Queue[bytes | BaseException | None] = queue.Queue(_PIECES_AHEAD)
        self.is_abandoned = False

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        piece = bytes(data)
        self.put(piece)
        return len(piece)

    def put(self, piece: bytes | BaseException | None) -> None:
        while not self.is_abandoned:
            try:
                self.pieces.put(piece, timeout=1)
            except queue.Full:
                continue
            return
        raise _Abandoned


def moment(microseconds: int) -> datetime:
    """What a value of ``Kind.TIME`` says."""
    return _EPOCH + timedelta(microseconds=microseconds)


async def stream(names: Sequence[str], batches: Callable[[], Iterator[Rows]]) -> AsyncGenerator[bytes]:
    """The file with these columns. ``batches`` is read in the thread that writes, as far as the file is taken."""
    pipe = _Pipe()
    threading.Thread(target=_write, args=(pipe, names, batches), name="parquet", daemon=True).start()
    try:
        while (piece := await asyncio.to_thread(pipe.pieces.get)) is not None:
            if isinstance(piece, BaseException):
                raise piece
            yield piece
    finally:
        pipe.is_abandoned = True


def _write(pipe: _Pipe, names: Sequence[str], batches: Callable[[], Iterator[Rows]]) -> None:
    try:
        reader = RecordBatchReader.from_batches(_schema(names), (_batch(names, rows) for rows in batches()))
        write_parquet(reader, cast(IO[bytes], pipe), compression="snappy")
        pipe.put(None)
    except _Abandoned:
        return
    except BaseException as error:
        if not pipe.is_abandoned:
            pipe.put(error)


def _schema(names: Sequence[str]) -> Schema:
    return _batch(names, []).schema


def _batch(names: Sequence[str], rows: Rows) -> RecordBatch:
    columns = zip(*rows, strict=True) if rows else ((),) * len(names)
    arrays = [_array(COLUMNS[name], list(values)) for name, values in zip(names, columns, strict=True)]
    fields = [Field(name, array.type, nullable=True) for name, array in zip(names, arrays, strict=True)]
    return RecordBatch.from_arrays(arrays, schema=Schema(fields))


def _array(kind: Kind, values: list[Any]) -> Array:
    if kind is Kind.LIST:
        return _lists(values)
    given, stored = _TYPES[kind]
    array = Array(values, given)
    return array if given is stored else array.cast(stored)


def _lists(values: Sequence[Sequence[str]]) -> Array:
    ends = [0]
    for value in values:
        ends.append(ends[-1] + len(value))
    return list_array(Array(ends, DataType.int32()), Array([text for value in values for text in value], _TEXT))
