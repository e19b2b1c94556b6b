"""Keeps the index: what has changed is read, cut, analysed and embedded by the worker, batch by batch.

Each batch is one transaction, so that it can be broken off anywhere, and two workers never do the same.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Min

from audit.services import record
from inference.search import vectors
from inference.search.actions import SearchAction
from inference.search.analysis import as_vector
from inference.search.chunking import chunks_of, digest_of
from inference.search.models import Change, Embedding, IndexedText, Place
from inference.search.sources import SOURCES, Part

BATCH = 500


class Key(NamedTuple):
    """Of a place."""

    kind: str
    object_id: UUID
    part: str
    chunk: int


def index_changes(*, seconds: float) -> int:
    """Until nothing waits, or the time is over. Returns how many changes there were."""
    end, done = time.monotonic() + seconds, 0
    while time.monotonic() < end and (count := index_batch()):
        done += count
    return done


@transaction.atomic
def index_batch() -> int:
    changes = list(Change.objects.select_for_update(skip_locked=True).order_by("pk")[:BATCH])
    keys: defaultdict[str, dict[str, None]] = defaultdict(dict)
    for change in changes:
        keys[change.source][change.key] = None
    for source, found in keys.items():
        store(list(SOURCES[source](list(found))))
    Change.objects.filter(pk__in=[change.pk for change in changes]).delete()
    return len(changes)


def store(parts: Sequence[Part]) -> None:
    """Within the caller's transaction. Texts that are known are neither analysed nor embedded again."""
    texts: dict[bytes, str] = {}
    wanted: dict[Key, tuple[bytes, Part]] = {}
    for part in parts:
        for number, text in enumerate(chunks_of(part.text)):
            digest = digest_of(text)
            texts[digest] = text
            wanted[Key(part.kind, part.object_id, part.name, number)] = digest, part
    ids = _text_ids(texts)
    vectors.embed_locally({ids[digest]: text for digest, text in texts.items()})
    _place(parts, {key: (ids[digest], part) for key, (digest, part) in wanted.items()})


_INSERT_TEXTS = """
INSERT INTO search_indexedtext (digest, text, terms, length)
SELECT digest, text, terms::tsvector, length
FROM unnest(%s::bytea[], %s::text[], %s::text[], %s::integer[]) AS new (digest, text, terms, length)
ON CONFLICT (digest) DO NOTHING
"""


def _text_ids(texts: Mapping[bytes, str]) -> dict[bytes, int]:
    known = _known(texts)
    new = [digest for digest in texts if digest not in known]
    if new:
        terms, lengths = zip(*(as_vector(texts[digest]) for digest in new), strict=True)
        columns: list[Any] = [new, [texts[digest] for digest in new], list(terms), list(lengths)]
        with connection.cursor() as cursor:
            cursor.execute(_INSERT_TEXTS, columns)
        known |= _known(new)
    return known


def _known(digests: Iterable[bytes]) -> dict[bytes, int]:
    rows = IndexedText.objects.filter(digest__in=list(digests)).values_list("digest", "pk")
    return {bytes(digest): pk for digest, pk in rows}


_INSERT_PLACES = """
INSERT INTO search_place (kind, object_id, part, chunk, text_id, owner_id, may_leave)
SELECT * FROM unnest(
  %s::text[], %s::uuid[], %s::text[], %s::smallint[], %s::bigint[], %s::bigint[], %s::boolean[]
)
ON CONFLICT DO NOTHING
"""


def _place(parts: Sequence[Part], wanted: Mapping[Key, tuple[int, Part]]) -> None:
    names = {(part.kind, part.object_id, part.name) for part in parts}
    rows = Place.objects.filter(object_id__in={part.object_id for part in parts})
    stored = {
        Key(*key): (pk, text_id, may_leave)
        for pk, text_id, may_leave, *key in rows.values_list("pk", "text_id", "may_leave", *Key._fields)
        if tuple(key[:3]) in names
    }
    kept = {
        key for key, (_, text_id, may_leave) in stored.items()
        if key in wanted and (text_id, may_leave) == (wanted[key][0], wanted[key][1].may_leave)
    }  # fmt: skip
    Place.objects.filter(pk__in=[pk for key, (pk, *_) in stored.items() if key not in kept]).delete()
    new = [(*key, text, part.owner_id, part.may_leave) for key, (text, part) in wanted.items() if key not in kept]
    if new:
        with connection.cursor() as cursor:
            cursor.execute(_INSERT_PLACES, [list(column) for column in zip(*new, strict=True)])


_FORGET = """
DELETE FROM search_place WHERE kind = 'call' AND NOT EXISTS (
  SELECT FROM telemetry_generationcontent AS content WHERE content.generation_id = object_id
)
"""


def forget_dropped() -> None:
    """What calls have said whose content was dropped with its month: no trigger sees that."""
    with connection.cursor() as cursor:
        cursor.execute(_FORGET)


def lag(now: datetime) -> timedelta:
    """For how long the oldest change has been waiting."""
    oldest = Change.objects.aggregate(Min("noted_at"))["noted_at__min"]
    return max(now - oldest, timedelta()) if oldest else timedelta()


_NOTE_ALL = """
INSERT INTO search_change (source, key, noted_at)
SELECT 'conversation', id::text, clock_timestamp() FROM inference_conversation
UNION ALL SELECT 'message', id::text, clock_timestamp() FROM inference_message
UNION ALL SELECT 'prompt', id::text, clock_timestamp() FROM prompts_prompt
UNION ALL SELECT 'version', id::text, clock_timestamp() FROM prompts_promptversion
UNION ALL SELECT 'call', generation_id::text, clock_timestamp() FROM telemetry_generationcontent
"""


@transaction.atomic
def rebuild(*, from_nothing: bool = False) -> None:
    """Everything is indexed again by the worker; what is there answers meanwhile unless it is deleted first."""
    if from_nothing:
        Place.objects.all()._raw_delete("default")
        Embedding.objects.all()._raw_delete("default")
        IndexedText.objects.all()._raw_delete("default")
    with connection.cursor() as cursor:
        cursor.execute(_NOTE_ALL)
    record(action=SearchAction.INDEX_REBUILD, actor=None, after={"from_nothing": from_nothing})


_NOTE_LOST = """
INSERT INTO search_change (source, key, noted_at)
SELECT DISTINCT CASE
    WHEN kind = 'call' THEN 'call'
    WHEN part LIKE 'message %%' THEN 'message'
    WHEN kind = 'conversation' THEN 'conversation'
    WHEN part = 'name' THEN 'prompt' ELSE 'version' END,
  CASE
    WHEN part LIKE 'message %%' THEN split_part(part, ' ', 2)
    WHEN part LIKE 'version %%' THEN (
      SELECT version.id::text FROM prompts_promptversion AS version
      WHERE version.prompt_id = object_id AND version.number = split_part(part, ' ', 2)::integer)
    ELSE object_id::text END,
  clock_timestamp()
FROM search_place AS place
WHERE NOT EXISTS (SELECT FROM search_indexedtext AS text WHERE text.id = place.text_id)
"""

_DELETE_LOST = """
DELETE FROM search_place AS place
WHERE NOT EXISTS (SELECT FROM search_indexedtext AS text WHERE text.id = place.text_id)
"""


@transaction.atomic
def mend() -> None:
    """A text may have gone with its last place just as another place was found for it: that is indexed again."""
    with connection.cursor() as cursor:
        cursor.execute(_NOTE_LOST, [])
        cursor.execute(_DELETE_LOST)
    forget_dropped()
