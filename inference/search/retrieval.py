"""Places in the order of how well their texts fit: by words, and by meaning."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

from django.contrib.postgres.search import SearchQueryField
from django.core.exceptions import EmptyResultSet
from django.db import connection, transaction
from django.db.models import BooleanField, F, FloatField, Func, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Cast
from psycopg import sql

from inference.search.analysis import as_query, quoted
from inference.search.models import Embedder, Place, Statistics, TermCount
from inference.search.query_text import inner_terms
from inference.search.vectors import literal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.db.models import QuerySet

    from inference.search.embedders.base import Vectors

# Up to so many places are compared one by one, exactly; the index goes through more of them.
SMALL = 4000
# How much a text that is longer than others loses, as `b` of BM25.
_LENGTH_WEIGHT = 0.4
# Of a term that is counted nowhere since it is rare.
_RARE = 3
# A word that is in more texts than this does not bring in texts alone, where a rarer one does.
_COMMON = 5_000


class Found(NamedTuple):
    """``score``: of words any number, of meaning the cosine."""

    kind: str
    object_id: UUID
    part: str
    text_id: int
    score: float


_COLUMNS = ("kind", "object_id", "part", "text_id")


class Weights(NamedTuple):
    """``rarity``: by term, as idf of BM25."""

    rarity: Mapping[str, float]
    counts: Mapping[str, int]
    mean_length: float


def weights_of(terms: Sequence[str]) -> Weights:
    statistics = Statistics.objects.first()
    texts = statistics.texts if statistics else 0
    counts = dict.fromkeys(terms, _RARE) | dict(TermCount.objects.filter(term__in=terms).values_list("term", "texts"))
    rarity = {term: math.log(1 + (max(texts, count) - count + 0.5) / (count + 0.5)) for term, count in counts.items()}
    return Weights(rarity, counts, statistics.mean_length if statistics else 100.0)


def by_words(
    places: QuerySet[Place], terms: Sequence[str], *, limit: int, weights: Weights, prefix: bool = False
) -> list[Found]:
    """``prefix``: the last term may be the beginning of a longer one."""
    if not terms:
        return []
    query = _candidates(terms, weights.counts, prefix=prefix)
    scored = places.filter(_Matches(F("text__terms"), _as_query(query))).annotate(
        score=_score(terms, weights, prefix=prefix)
    )
    with _settings(_ALL):
        return [Found(*row) for row in scored.order_by("-score", "-pk").values_list(*_COLUMNS, "score")[:limit]]


class _Matches(Func):
    template, arg_joiner, output_field = "(%(expressions)s)", " @@ ", BooleanField()


def _as_query(text: str) -> Cast:
    return Cast(Value(text), SearchQueryField())


def _candidates(terms: Sequence[str], counts: Mapping[str, int], *, prefix: bool) -> str:
    """Texts with any of the rarer terms; where all are common, those with all of them."""
    rarest = sorted(terms, key=lambda term: counts[term])
    if counts[rarest[0]] > _COMMON and len(terms) > 1:
        return as_query(terms, operator="&", prefix=prefix)
    total, kept = 0, set(rarest[:1])
    for term in rarest[1:]:
        total += counts[term]
        if total <= _COMMON:
            kept.add(term)
    if prefix:
        kept.add(terms[-1])
    return as_query([term for term in terms if term in kept], prefix=prefix)


def _score(terms: Sequence[str], weights: Weights, *, prefix: bool) -> Combinable:
    """BM25 with PostgreSQL's ts_rank of each term alone, which grows with its frequency ever more slowly."""
    total: Combinable = Value(0.0)
    for place, term in enumerate(terms):
        text = as_query([term], prefix=prefix and place == len(terms) - 1)
        rank = Func(F("text__terms"), _as_query(text), function="ts_rank", output_field=FloatField())
        total = total + rank * Value(weights.rarity[term])
    relative = F("text__length") * Value(_LENGTH_WEIGHT / max(weights.mean_length, 1.0))
    return Cast(total / (Value(1 - _LENGTH_WEIGHT) + relative), FloatField())


def holding(places: QuerySet[Place], literals: Sequence[str]) -> QuerySet[Place]:
    """Those whose texts hold each of the literals, in capital letters or small ones."""
    for text in literals:
        if inner := inner_terms(text):
            query = " & ".join(map(quoted, inner))
            places = places.filter(_Matches(F("text__terms"), _as_query(query)))
        places = places.filter(text__text__icontains=text)
    return places


def newest(places: QuerySet[Place], *, limit: int) -> list[Found]:
    with _settings(_ALL):
        rows = places.order_by("-pk").values_list(*_COLUMNS, Value(0.0))[:limit]
        return [Found(*row) for row in rows]


def by_meaning(places: QuerySet[Place], vector: Vectors, embedder: Embedder, *, limit: int) -> list[Found]:
    """Exact where there are few places, or no index. The index goes on until it has as many as were asked for.

    Where it gives up before, all places are compared.
    """
    if not vector.any():
        return []
    if embedder.indexed_at is None:
        return nearest_places(places, vector, embedder, limit=limit, way=_ALL)
    if not places.order_by()[SMALL : SMALL + 1].exists():
        return nearest_places(places, vector, embedder, limit=limit, way=_FEW)
    found = nearest_places(places, vector, embedder, limit=limit, way=_INDEX)
    return found if len(found) == limit else nearest_places(places, vector, embedder, limit=limit, way=_ALL)


_NEAREST = """
SELECT place.kind, place.object_id, place.part, place.text_id, {distance} AS distance
FROM ({places}) AS place
JOIN search_embedding AS embedding ON embedding.text_id = place.text_id AND embedding.embedder_id = {embedder}
ORDER BY distance LIMIT {limit}
"""
_DISTANCE = "embedding.vector::halfvec({dimension}) <=> {vector}::halfvec"


def nearest_places(
    places: QuerySet[Place], vector: Vectors, embedder: Embedder, *, limit: int, way: Mapping[str, str]
) -> list[Found]:
    """``way``: how PostgreSQL looks, as its settings."""
    try:
        scope, values = places.order_by().values_list(*_COLUMNS).query.sql_with_params()
    except EmptyResultSet:
        return []
    # What is added to it makes it something that the index is not of.
    distance = sql.SQL(_DISTANCE if way is _INDEX else f"({_DISTANCE}) + 0").format(
        dimension=sql.Literal(embedder.dimension), vector=sql.Literal(literal(vector))
    )
    query = sql.SQL(_NEAREST).format(
        distance=distance,
        places=sql.SQL(scope),
        embedder=sql.Literal(embedder.pk),
        limit=sql.Literal(limit),
    )
    with _settings(way), connection.cursor() as cursor:
        cursor.execute(query, values)
        return [found._replace(score=1 - found.score) for found in map(Found._make, cursor.fetchall())]


# Compiling such a query takes longer than it does.
_ALL: Mapping[str, str] = {"jit": "off"}
# Vectors one by one, by the index of their texts, rather than all of them.
_FEW = {"jit": "off", "enable_seqscan": "off", "enable_hashjoin": "off", "enable_mergejoin": "off"}
# Without sorting, only the index gives the places in their order.
_INDEX = {"jit": "off", "enable_sort": "off", "hnsw.iterative_scan": "strict_order", "hnsw.ef_search": "300"}
EXACT = _ALL


_SET = "SELECT set_config(name, value, true) FROM unnest(%s::text[], %s::text[]) AS given (name, value)"
_RESET = "SELECT set_config(name, NULL, true) FROM unnest(%s::text[]) AS given (name)"


@contextmanager
def _settings(given: Mapping[str, str]) -> Iterator[None]:
    """Within a transaction, at the end of which they are as before; also where that is the caller's."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_SET, [list(given), list(given.values())])
        yield
        if connection.savepoint_ids:
            cursor.execute(_RESET, [list(given)])
