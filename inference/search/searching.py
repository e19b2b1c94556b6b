"""A search: what a user may see, by words and by meaning, in one order."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple

from django.db import transaction

from accounts.models import User
from audit.services import record
from inference.search import vectors
from inference.search.actions import SearchAction
from inference.search.alike import Object, alike
from inference.search.choosing import embed_query
from inference.search.embedders import local
from inference.search.embedders.base import EmbedderFailed
from inference.search.models import Embedder, IndexedText
from inference.search.query_text import QueryText
from inference.search.ranking import fused
from inference.search.retrieval import Found, by_meaning, by_words, holding, newest, weights_of
from inference.search.scopes import Filters, places_in
from inference.search.shown import Hit, Match, show

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from inference.search.embedders.base import Vectors
    from inference.search.models import Place

WORDS, LITERALLY, MEANING, PROVIDER = "words", "literally", "meaning", "provider"
# Chosen on one of the sets of `make bench-search`, reported on the others.
WEIGHTS = {WORDS: 1.0, LITERALLY: 1.0, MEANING: 1.0, PROVIDER: 1.0}
# Texts that are less near say nothing of the same: the local embedder finds a nearest one for anything.
LEAST_SIMILARITY = 0.2
_DEEPEST = 4096
UNAVAILABLE = "Results are by words only: the embedding provider did not answer as expected."


@dataclass(frozen=True, slots=True)
class Results:
    """``notice`` says what was not done, in one sentence."""

    hits: list[Hit] = field(default_factory=list)
    notice: str = ""
    has_more: bool = False


class Asked(NamedTuple):
    """What is searched for, as a vector. Texts that are less near than ``least`` are left out."""

    name: str
    vector: Vectors
    embedder: Embedder
    least: float


def search(
    *, viewer: User, query: QueryText, filters: Filters, limit: int, prefix: bool = False, provider: bool = True
) -> Results:
    """The best objects. ``prefix``: the last word may be half typed. ``provider``: whether one may be asked."""
    if query.is_empty or not viewer.is_active:
        return Results()
    places = holding(places_in(viewer, filters), query.literals)
    asked, notice = asked_for(query, viewer, provider=provider)
    rankings, found = _ranked(places, query, asked, limit + 1, prefix=prefix)
    order = list(found)[:limit]
    matches = {key: match for key, match in _matches(rankings).items() if key in order}
    hits = show(order, matches, query, viewer=viewer, prefix=prefix)
    counted = [replace(hit, same=found[hit.kind, hit.object_id]) for hit in hits]
    return Results(counted, notice, has_more=len(found) > limit)


def _ranked(
    places: QuerySet[Place], query: QueryText, asked: Sequence[Asked], limit: int, *, prefix: bool
) -> tuple[dict[str, list[Found]], dict[Object, int]]:
    """What was found in each way, and at least ``limit`` different objects if there are so many, the best first."""
    count = limit
    while True:
        rankings = rankings_of(places, query, asked, count, prefix=prefix)
        order = fused({name: [_object(found) for found in ranking] for name, ranking in rankings.items()}, WEIGHTS)
        found = alike(order, rankings.values())
        if len(found) >= limit or len(order) < count or count >= _DEEPEST:
            return rankings, found
        count *= 4


@transaction.atomic
def note_search_of_others(*, actor: User, filters: Filters) -> None:
    """That an administrator searches what another user has said: what is found tells something of it."""
    if filters.user is not None and filters.user != actor:
        record(action=SearchAction.OTHERS_SEARCH, actor=actor, target=filters.user)


def asked_for(query: QueryText, viewer: User, *, provider: bool) -> tuple[list[Asked], str]:
    """And what was not done. Where the provider's embedder fails, nothing is searched for by meaning."""
    mine = Asked(MEANING, local.local_embedder().embed([query.text])[0], vectors.local_row(), LEAST_SIMILARITY)
    try:
        by_provider = embed_query(viewer, query.text) if provider else None
    except EmbedderFailed:
        return [], UNAVAILABLE
    return [mine, *([Asked(PROVIDER, by_provider[1], by_provider[0], 0)] if by_provider else [])], ""


def rankings_of(
    places: QuerySet[Place], query: QueryText, asked: Iterable[Asked], limit: int, *, prefix: bool
) -> dict[str, list[Found]]:
    weights = weights_of(query.terms)
    # What holds the quoted text is found, also where neither its words nor its meaning say anything.
    literally = {LITERALLY: enough(lambda count: newest(places, limit=count), limit)} if query.literals else {}
    return {
        WORDS: enough(lambda count: by_words(places, query.terms, limit=count, weights=weights, prefix=prefix), limit),
        **literally,
        **{one.name: nearest(places, one.vector, one.embedder, limit, least=one.least) for one in asked},
    }


def nearest(
    places: QuerySet[Place], vector: Vectors, embedder: Embedder, limit: int, *, least: float = LEAST_SIMILARITY
) -> list[Found]:
    found = enough(lambda count: by_meaning(places, vector, embedder, limit=count), limit)
    return [each for each in found if each.score >= least]


def enough(ask: Callable[[int], list[Found]], limit: int) -> list[Found]:
    """Asks for more places until they are those of enough objects, or all."""
    count = limit * 3
    while True:
        found = ask(count)
        if len(found) < count or count >= _DEEPEST or len({_object(each) for each in found}) >= limit:
            return found
        count *= 4


def _object(found: Found) -> Object:
    return found.kind, found.object_id


def _matches(rankings: Mapping[str, Iterable[Found]]) -> Mapping[Object, Match]:
    """Of each object the text that fits best, by words rather than by meaning."""
    best: defaultdict[Object, dict[str, Found]] = defaultdict(dict)
    for name, ranking in rankings.items():
        for found in ranking:
            best[_object(found)].setdefault(name, found)
    texts = _texts(found.text_id for by_name in best.values() for found in by_name.values())
    return {key: _match(by_name, texts) for key, by_name in best.items()}


def _match(by_name: Mapping[str, Found], texts: Mapping[int, str]) -> Match:
    shown = by_name.get(WORDS) or next(iter(by_name.values()))
    nearness = [found.score for name, found in by_name.items() if name in (MEANING, PROVIDER)]
    return Match(texts.get(shown.text_id, ""), shown.part, max(nearness, default=None))


def _texts(ids: Iterable[int]) -> dict[int, str]:
    return dict(IndexedText.objects.filter(pk__in=set(ids)).values_list("pk", "text"))
