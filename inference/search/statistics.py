"""How often terms stand in the texts, so that rare ones count for more."""

from __future__ import annotations

from django.db import connection, transaction

from inference.search.models import IndexedText, Statistics

# Terms of fewer texts are not kept: they would survive the text that they were in.
_LEAST_TEXTS = 10
_COUNT = """
INSERT INTO search_termcount (term, texts)
SELECT word, ndoc FROM ts_stat('SELECT terms FROM search_indexedtext')
WHERE ndoc >= %s AND length(word) <= 64
"""
_MEASURE = """
INSERT INTO search_statistics (id, texts, mean_length, counted_at)
SELECT 1, count(*), coalesce(avg(length), 0), now() FROM search_indexedtext
ON CONFLICT (id) DO UPDATE
SET texts = excluded.texts, mean_length = excluded.mean_length, counted_at = excluded.counted_at
"""


def is_outdated() -> bool:
    """Whether there are a fifth more or fewer texts than were counted."""
    counted = Statistics.objects.values_list("texts", flat=True).first()
    if counted is None:
        return IndexedText.objects.exists()
    return not counted / 1.2 <= IndexedText.objects.count() <= counted * 1.2


@transaction.atomic
def count() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")
        cursor.execute("DELETE FROM search_termcount")
        cursor.execute(_COUNT, [_LEAST_TEXTS])
        cursor.execute(_MEASURE)
