"""The vectors of texts: made, stored, and found again by how near they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress

import orjson
import structlog
from django.db import DatabaseError, connection
from django.utils import timezone
from psycopg import sql

from inference.search.embedders import local
from inference.search.embedders.base import Vectors
from inference.search.models import Embedder, Embedding

# From so many vectors on an index is worth what it costs each time that one is stored.
INDEXED_FROM = 20_000
# Of memory, which PostgreSQL's processes share while they build it.
BUILD_MEGABYTES = 512

log = structlog.get_logger(__name__)


def local_row() -> Embedder:
    """The local embedder. A new model of it is a new row, so that its vectors are made anew."""
    row, _ = Embedder.objects.get_or_create(
        provider="", model=local.NAME, dimension=local.DIMENSION, defaults={"state": Embedder.State.ACTIVE}
    )
    return row


def embed_locally(texts: Mapping[int, str]) -> None:
    """Those by their ids that have no vector yet."""
    row = local_row()
    known = set(Embedding.objects.filter(text__in=list(texts), embedder=row).values_list("text_id", flat=True))
    new = [pk for pk in texts if pk not in known]
    if new:
        store(row, new, local.local_embedder().embed([texts[pk] for pk in new]))


_INSERT = """
INSERT INTO search_embedding (text_id, embedder_id, vector)
SELECT text_id, %s, vector::halfvec FROM unnest(%s::bigint[], %s::text[]) AS new (text_id, vector)
ON CONFLICT (text_id, embedder_id) DO NOTHING
"""


def store(embedder: Embedder, text_ids: Sequence[int], vectors: Vectors) -> None:
    """A text of which no vector can be made, such as an empty one, has none."""
    rows = [(pk, literal(row)) for pk, row in zip(text_ids, vectors, strict=True) if row.any()]
    with connection.cursor() as cursor:
        cursor.execute(_INSERT, [embedder.pk, [pk for pk, _ in rows], [vector for _, vector in rows]])


def literal(vector: Vectors) -> str:
    """As PostgreSQL reads it."""
    return orjson.dumps(vector, option=orjson.OPT_SERIALIZE_NUMPY).decode()


_INDEX = """
CREATE INDEX CONCURRENTLY {} ON search_embedding USING hnsw ((vector::halfvec({})) halfvec_cosine_ops)
WITH (m = 24, ef_construction = 200) WHERE embedder_id = {}
"""
_WHILE_BUILDING = {"statement_timeout": "0", "lock_timeout": "0", "maintenance_work_mem": f"{BUILD_MEGABYTES}MB"}
# Classes of SQLSTATE of what stays as it is until somebody changes it: rights, resources, limits.
_REFUSALS = ("42", "53", "54")


def index_name(embedder: Embedder) -> str:
    return f"search_hnsw_{embedder.pk}"


def has_index(embedder: Embedder) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT 1 FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid WHERE relname = %s AND indisvalid",
            [index_name(embedder)],
        )
        return cursor.fetchone() is not None


def build_missing_indexes() -> None:
    """One that cannot be built is tried again after ``retry_indexes``: the next minute would make no difference."""
    for embedder in Embedder.objects.exclude(state=Embedder.State.RETIRED).filter(index_error=""):
        _note_index(embedder)
        if embedder.indexed_at is None and embedder.embeddings.all()[INDEXED_FROM : INDEXED_FROM + 1].exists():
            _try_to_build(embedder)
            _note_index(embedder)


def _note_index(embedder: Embedder) -> None:
    """So that no search has to look for it; it may have come or gone with a dump."""
    if has_index(embedder) != (embedder.indexed_at is not None):
        embedder.indexed_at = None if embedder.indexed_at else timezone.now()
        embedder.save(update_fields=["indexed_at"])


def retry_indexes() -> None:
    Embedder.objects.exclude(index_error="").update(index_error="")


def _try_to_build(embedder: Embedder) -> None:
    """Search works without the index, and takes longer."""
    try:
        build_index(embedder)
    except DatabaseError as error:
        state = getattr(error.__cause__, "sqlstate", None) or ""
        if state[:2] not in _REFUSALS:
            raise
        log.warning("search_index_not_built", embedder=str(embedder), error=str(error))
        Embedder.objects.filter(pk=embedder.pk).update(index_error=str(error).partition("\n")[0][:300])


def build_index(embedder: Embedder) -> None:
    """Outside of a transaction, while the index is used and written. One that was broken off is made anew."""
    name = sql.Identifier(index_name(embedder))
    index = sql.SQL(_INDEX).format(name, sql.Literal(embedder.dimension), sql.Literal(embedder.pk))
    with connection.cursor() as cursor:
        try:
            for setting, value in _WHILE_BUILDING.items():
                cursor.execute(f"SET {setting} = '{value}'")
            cursor.execute(sql.SQL("DROP INDEX IF EXISTS {}").format(name))
            cursor.execute(index)
        finally:
            # The next job may get the same connection.
            with suppress(Exception):
                for setting in _WHILE_BUILDING:
                    cursor.execute(f"RESET {setting}")
