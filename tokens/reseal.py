"""All sealed values of all models: counting, re-sealing and opening them, whatever table they are in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, cast
from uuid import UUID

import psycopg
from django.db import connection, models
from django.db.models import Aggregate, Count, F, Func, Max, QuerySet
from django.utils import timezone
from psycopg import sql

from tokens import envelope, keyring
from tokens.envelope import DataKey, EnvelopeError
from tokens.fields import SealedField, sealed_fields
from tokens.models import EncryptionKey

Row = tuple[Any, ...]
UNREADABLE_ID = "unreadable"
_COMPARE_AND_SET = sql.SQL(
    "UPDATE {table} AS held SET {secret} = batch.new "
    "FROM unnest(%b::{key_type}[], %b::bytea[], %b::bytea[]) AS batch (id, old, new) "
    "WHERE held.{key} = batch.id AND held.{secret} = batch.old"
)


@dataclass(frozen=True, slots=True)
class Failure:
    """A sealed value that cannot be opened."""

    table: str
    field: str
    id: str
    reason: str

    def as_json(self) -> dict[str, str]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Batch:
    """Values to replace: row by row the primary key, what it holds, and what it is to hold."""

    ids: list[Any]
    old: list[bytes]
    new: list[bytes]


@dataclass(frozen=True, slots=True)
class Column:
    """One sealed field of one model. Rows are tuples of primary key, sealed value and what the field is bound to."""

    model: type[models.Model]
    field: SealedField

    @property
    def table(self) -> str:
        return self.model._meta.db_table

    def rows(self, *, after: object, limit: int, not_sealed_by: UUID | None = None) -> list[Row]:
        """In the order of the primary key; ``after`` is the key of the row before, None at the start."""
        rows = self._filled()
        if after is not None:
            rows = rows.filter(pk__gt=after)
        if not_sealed_by is not None:
            rows = rows.exclude(key=not_sealed_by.bytes)
        return list(rows.order_by("pk").values_list("pk", self.field.attname, *self.field.bound_to)[:limit])

    def count_by_key(self) -> dict[str, int]:
        return self.by_key(Count("pk"))

    def by_key(self, aggregate: Aggregate) -> dict[str, Any]:
        """The aggregate over the rows of each data key id; the unreadable ones go by ``UNREADABLE_ID``."""
        groups = self._filled().values_list("key").annotate(aggregate).order_by()
        return {_key_name(bytes(key)): value for key, value in groups}

    def set_until(self, moment: datetime) -> QuerySet[Any]:
        """The rows whose present value was entered by then."""
        rows = self.model._base_manager.filter(**{f"{self.field.set_at}__lte": moment})
        return cast(QuerySet[Any], rows.select_related("owner").order_by("owner__email", "pk"))

    def context(self, row: Row) -> bytes:
        return self.field.context_of(self.table, row[0], row[2:])

    def open(self, row: Row) -> str:
        """Raises EnvelopeError."""
        return envelope.open_sealed(row[1], key_for=keyring.current().get, context=self.context(row))

    def sealed_anew(self, rows: list[Row], *, key: DataKey) -> Batch:
        """The rows that can be opened, sealed with ``key``; nothing is written."""
        batch = Batch([], [], [])
        for row in rows:
            context = self.context(row)
            try:
                secret = envelope.open_sealed(row[1], key_for=keyring.current().get, context=context)
            except EnvelopeError:
                continue
            batch.ids.append(row[0])
            batch.old.append(row[1])
            batch.new.append(envelope.seal(secret, key=key, context=context))
        return batch

    def compare_and_set(self, batch: Batch) -> int:
        """Write the values whose rows still hold what was read. How many rows those were."""
        pk = self.model._meta.pk
        query = _COMPARE_AND_SET.format(
            table=sql.Identifier(self.table),
            secret=sql.Identifier(str(self.field.column)),
            key=sql.Identifier(str(pk.column)),
            key_type=sql.SQL(str(pk.db_type(connection))),
        )
        connection.ensure_connection()
        # Django's own cursor would write the values into the text of the query, at twice the time.
        with psycopg.Cursor(connection.connection) as cursor:
            cursor.execute(query, [batch.ids, batch.old, batch.new])
            return cursor.rowcount

    def failures(self, rows: list[Row]) -> Iterator[Failure]:
        for row in rows:
            try:
                self.open(row)
            except EnvelopeError as error:
                yield Failure(self.table, str(self.field.column), str(row[0]), str(error))

    def _filled(self) -> QuerySet[Any]:
        start, length = envelope.KEY_ID_START + 1, envelope.KEY_ID_END - envelope.KEY_ID_START
        key = Func(F(self.field.attname), start, length, function="substring", output_field=models.BinaryField())
        rows = self.model._base_manager.filter(**{f"{self.field.attname}__isnull": False})
        return cast(QuerySet[Any], rows.annotate(key=key))


def columns() -> list[Column]:
    return [Column(model, field) for model, field in sealed_fields()]


def rows_by_key() -> dict[str, int]:
    """How many sealed values each data key id has, over all tables."""
    total: Counter[str] = Counter()
    for column in columns():
        total.update(column.count_by_key())
    return dict(total)


def last_used_by_key() -> dict[str, datetime]:
    """When a value of each data key id was last used, over all tables."""
    latest: dict[str, datetime] = {}
    for column in columns():
        for key, moment in column.by_key(Max(column.field.last_used_at)).items():
            if moment and moment > latest.get(key, moment - timedelta(1)):
                latest[key] = moment
    return latest


def exposed(key: EncryptionKey) -> list[QuerySet[Any]]:
    """By table, the rows whose present value was sealed with this key at some time: those set before it stopped being
    primary.

    Each of them was either sealed with it when it was entered, or re-sealed with it when it became primary.
    """
    if key.primary_since is None:
        return []
    return [column.set_until(key.primary_until or timezone.now()) for column in columns()]


def batches(column: Column, *, size: int, not_sealed_by: UUID | None = None) -> Iterator[list[Row]]:
    after = None
    while rows := column.rows(after=after, limit=size, not_sealed_by=not_sealed_by):
        yield rows
        after = rows[-1][0]


def resealed(column: Column, *, key: DataKey, size: int) -> Generator[Batch, None, None]:
    """Batches to write so that ``key`` seals everything. Each is made in a thread while the one before is written."""
    rows = batches(column, size=size, not_sealed_by=key.id)
    made = (column.sealed_anew(read, key=key) for read in rows)
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="reseal") as maker:
        try:
            upcoming = maker.submit(next, made, None)
            while batch := upcoming.result():
                upcoming = maker.submit(next, made, None)
                yield batch
        finally:
            # Looked up in that thread: each has a connection of its own.
            maker.submit(lambda: connection.close()).result()


def _key_name(key_id: bytes) -> str:
    return str(UUID(bytes=key_id)) if len(key_id) == 16 else UNREADABLE_ID
