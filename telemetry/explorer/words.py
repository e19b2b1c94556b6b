"""The first words of the question of each call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from django.db import connection

if TYPE_CHECKING:
    from accounts.models import User
    from telemetry.models import Generation

WORDS = 160
_FIRST_WORDS = """
SELECT content.generation_id, left(message.text, %(words)s)
FROM unnest(%(calls)s::uuid[]) AS call (id)
JOIN telemetry_generationcontent AS content ON content.generation_id = call.id
JOIN telemetry_contextmessage AS message
  ON message.user_id = %(user)s AND message.period = content.period AND message.digest = content.head
WHERE message.role = 'user'
"""


def first_words_of(calls: Sequence[Generation], *, viewer: User) -> Mapping[UUID, str]:
    """The beginning of the last question of each call, of the viewer's own alone: to read others' is recorded."""
    own = [call.pk for call in calls if call.user_id == viewer.pk]
    if not own:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_FIRST_WORDS, {"calls": own, "user": viewer.pk, "words": WORDS})
        return {pk: " ".join(text.split()) for pk, text in cursor.fetchall()}
