"""Places in the order of how well their texts fit: by words, and by meaning."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

from django.contrib.postgres.search import SearchQueryField
from django.db import connection, transaction
from django.db.models import BooleanField, F, FloatField, Func, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Cast
from pgvector.django import HalfVectorField

from inference.search.analysis import as_query, quoted
from inference.search.models import Embedder, Place, Statistics, TermCount
from inference.search.query_text import inner_terms
from inference.search.vectors import has_index, literal

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
_COMMON = 20_000
_LIMITS = {"hnsw.iterative_scan": "strict_order", "hnsw.ef_search": "100", "enable_sort": "off", "jit": "off"}


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


def by_meaning(places: QuerySet[Place], vector: Vectors, embedder: Embedder, *, limit: int) -> list[Found]:
    """Exact where there are few places, or no index. The index goes on until it has as many as were asked for.

    Where it gives up before, all places are compared.
    """
    if not vector.any():
        return []
    embedded = places.filter(text__embeddings__embedder=embedder)
    with transaction.atomic():
        if not has_index(embedder) or not places.order_by()[SMALL : SMALL + 1].exists():
            return nearest_places(embedded, vector, embedder, limit=limit, exact=True)
        with _index_settings():
            found = nearest_places(embedded, vector, embedder, limit=limit, exact=False)
        return found if len(found) == limit else nearest_places(embedded, vector, embedder, limit=limit, exact=True)


def nearest_places(
    embedded: QuerySet[Place], vector: Vectors, embedder: Embedder, *, limit: int, exact: bool
) -> list[Found]:
    stored = Cast(F("text__embeddings__vector"), HalfVectorField(dimensions=embedder.dimension))
    distance: Combinable = _Distance(stored, Value(literal(vector)))
    if exact:
        # Not what the index is of, so that it is not used.
        distance = distance + Value(0.0)
    rows: Any = embedded.annotate(distance=distance).order_by("distance").values_list(*_COLUMNS, "distance")
    return [found._replace(score=1 - found.score) for found in map(Found._make, rows[:limit])]


class _Distance(Func):
    template, arg_joiner, output_field = "(%(expressions)s::halfvec)", " <=> ", FloatField()


@contextmanager
def _index_settings() -> Iterator[None]:
    """Within the transaction. Without sorting, only the index gives the places in their order."""
    with connection.cursor() as cursor:
        for name, value in _LIMITS.items():
            cursor.execute("SELECT set_config(%s, %s, true)", [name, value])
        yield
        cursor.execute("SET LOCAL enable_sort = on")
