"""Calls that are the same: among results, the first of them stands for all."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Hashable, Iterable, Sequence
from uuid import UUID

from inference.search.models import Kind, Place
from inference.search.retrieval import Found
from telemetry.models import Generation

Object = tuple[str, UUID]


def alike(order: Sequence[Object], rankings: Iterable[Iterable[Found]]) -> dict[Object, int]:
    """In the same order, how many each stands for: calls that said the same, of the same model, and ended the same."""
    calls = _sharing(rankings)
    same = _by_content(calls) if calls else {}
    first: dict[Hashable, Object] = {}
    counts: dict[Object, int] = {}
    for kind, pk in order:
        key = first.setdefault(same.get(pk, pk), (kind, pk))
        counts[key] = counts.get(key, 0) + 1
    return counts


def _sharing(rankings: Iterable[Iterable[Found]]) -> set[UUID]:
    """Calls that were found by a text that another one has too. In most searches there are none."""
    by_text: defaultdict[int, set[UUID]] = defaultdict(set)
    for ranking in rankings:
        for found in ranking:
            if found.kind == Kind.CALL:
                by_text[found.text_id].add(found.object_id)
    return {call for calls in by_text.values() if len(calls) > 1 for call in calls}


def _by_content(calls: Collection[UUID]) -> dict[UUID, Hashable]:
    said: defaultdict[UUID, set[Hashable]] = defaultdict(set)
    for pk, *text in Place.objects.filter(kind=Kind.CALL, object_id__in=calls).values_list(
        "object_id", "part", "chunk", "text_id"
    ):
        said[pk].add(tuple(text))
    facts = Generation.objects.filter(pk__in=calls).values_list("pk", "provider", "base_url", "request_model", "status")
    return {pk: (frozenset(said[pk]), *fact) for pk, *fact in facts}
