"""What is like something that is there, by the local embedder: nothing leaves this server for it."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from accounts.models import User
from inference.search import vectors
from inference.search.embedders.local import local_embedder
from inference.search.models import IndexedText, Kind, Place
from inference.search.query_text import QueryText
from inference.search.retrieval import Found
from inference.search.scopes import Filters, places_in
from inference.search.searching import nearest
from inference.search.shown import Hit, Match, show
from telemetry.models import Generation

SHOWN = 6
# Below, two questions have hardly more than their language in common.
LEAST_LIKENESS = 0.45
_LONGEST = 4000


def calls_like(call: Generation, *, viewer: User) -> list[Hit]:
    """By what was asked, the most similar first. Empty where the call is not indexed yet, or was erased."""
    asked = Place.objects.filter(kind=Kind.CALL, object_id=call.pk, owner=viewer, part="question", chunk=0)
    text = IndexedText.objects.filter(places__in=asked).values_list("text", flat=True).first()
    if text is None:
        return []
    return _like(text, viewer, Kind.CALL, but=call.pk)


def prompts_like(text: str, *, viewer: User, but: str = "") -> list[Hit]:
    """``but``: the id of the prompt that is edited, or anything else for a new one."""
    clean = text.replace("\0", "").strip()[:_LONGEST]
    return _like(clean, viewer, Kind.PROMPT, but=_uuid(but)) if clean else []


def _like(text: str, viewer: User, kind: Kind, *, but: UUID | None) -> list[Hit]:
    places = places_in(viewer, Filters(kind=kind))
    if but is not None:
        places = places.exclude(object_id=but)
    if kind == Kind.CALL:
        places = places.filter(part="question")
    vector = local_embedder().embed([text])[0]
    found = nearest(places, vector, vectors.local_row(), SHOWN, least=LEAST_LIKENESS)
    order = list(dict.fromkeys((each.kind, each.object_id) for each in found))[:SHOWN]
    return show(order, _matches(found), QueryText(""), viewer=viewer)


def _matches(found: Sequence[Found]) -> dict[tuple[str, UUID], Match]:
    texts = dict(IndexedText.objects.filter(pk__in={each.text_id for each in found}).values_list("pk", "text"))
    return {
        (each.kind, each.object_id): Match(texts.get(each.text_id, ""), each.part, each.score)
        for each in reversed(found)
    }


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
