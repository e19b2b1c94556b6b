"""Finds the topics of a user's calls anew, and recognises those that were there before. No model is called."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import numpy as np
from django.db import transaction

from accounts.models import User
from inference.search import vectors
from inference.search.embedders.base import Vectors
from inference.search.models import IndexedText, Kind, Place, Topic, TopicCall
from inference.search.topics.clustering import clustered, recognised
from inference.search.topics.naming import names_of
from telemetry.models import Generation

DAYS = 30
MOST_CALLS = 5000
# Fewer calls than this are no topic.
SMALLEST = 3
_NAMED_BY = 200


class _Group(NamedTuple):
    center: Vectors
    calls: list[UUID]
    words: list[str]


def recount(user: User, *, now: datetime) -> int:
    """Of the newest calls of the last days. Returns how many topics there are."""
    calls = _calls(user, now)
    texts = list(dict.fromkeys(text for _, text in calls))
    found = _vectors(texts)
    groups = _groups([call for call in calls if call[1] in found], found) if found else []
    _store(user, groups)
    return len(groups)


def _calls(user: User, now: datetime) -> list[tuple[UUID, int]]:
    """Ids of calls and of the beginnings of what was asked."""
    recent = Generation.objects.filter(user=user).between(now - timedelta(days=DAYS), None)
    newest = list(recent.order_by("-started_at").values_list("pk", flat=True)[:MOST_CALLS])
    places = Place.objects.filter(kind=Kind.CALL, owner=user, object_id__in=newest, part="question", chunk=0)
    return list(places.order_by("pk").values_list("object_id", "text_id"))


def _vectors(texts: Sequence[int]) -> Mapping[int, Vectors]:
    rows: Any = vectors.local_row().embeddings.filter(text__in=texts).values_list("text_id", "vector")
    return {text: np.asarray(vector, dtype=np.float32) for text, vector in rows}


def _groups(calls: Sequence[tuple[UUID, int]], found: Mapping[int, Vectors]) -> list[_Group]:
    """Equal questions are one vector, however often they were asked."""
    texts = list(dict.fromkeys(text for _, text in calls))
    labels, centers = clustered(np.stack([found[text] for text in texts]))
    label_of = dict(zip(texts, labels.tolist(), strict=True))
    members: defaultdict[int, list[tuple[UUID, int]]] = defaultdict(list)
    for call, text in calls:
        members[label_of[text]].append((call, text))
    large = {label: each for label, each in members.items() if len(each) >= SMALLEST}
    names = names_of([_said(text for _, text in each) for each in large.values()])
    return [
        _Group(centers[label], [call for call, _ in each], words)
        for (label, each), words in zip(large.items(), names, strict=True)
        if words
    ]


def _said(texts: Any) -> list[str]:
    some = list(dict.fromkeys(texts))[:_NAMED_BY]
    return list(IndexedText.objects.filter(pk__in=some).values_list("text", flat=True))


@transaction.atomic
def _store(user: User, groups: Sequence[_Group]) -> None:
    # Of two counts at once, the second waits.
    User.objects.select_for_update(no_key=True).get(pk=user.pk)
    old = list(Topic.objects.filter(user=user).order_by("first_seen_at", "pk"))
    centers = np.array([topic.center for topic in old], dtype=np.float32)
    known = recognised(centers, np.array([group.center for group in groups], dtype=np.float32))
    kept = {old[place].pk for place in known.values()}
    TopicCall.objects.filter(topic__user=user).delete()
    Topic.objects.filter(user=user).exclude(pk__in=kept).delete()
    for number, group in enumerate(groups):
        topic = old[known[number]] if number in known else Topic(user=user)
        topic.words, topic.center = group.words, group.center.tolist()
        topic.save()
        TopicCall.objects.bulk_create([TopicCall(topic=topic, call_id=call) for call in group.calls])


def recount_active(*, now: datetime) -> None:
    """Of everybody who has made calls within the last day."""
    active = Generation.objects.between(now - timedelta(days=1), None).order_by().values("user").distinct()
    for user in User.objects.filter(pk__in=active, is_active=True):
        recount(user, now=now)
