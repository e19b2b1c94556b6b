"""What calls have sent and what was answered, apart from their figures so that it can be kept for a shorter time."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from django.conf import settings
from django.db import connection, models

from telemetry.context import ROOT, ContextEntry, SentMessage, chain, head_of

_CONTEXT = """
WITH RECURSIVE sent AS (
  SELECT parent, role, text, extra, 0 AS above FROM telemetry_contextmessage
  WHERE user_id = %(user)s AND period = %(period)s AND digest = %(head)s
  UNION ALL
  SELECT message.parent, message.role, message.text, message.extra, sent.above + 1
  FROM sent JOIN telemetry_contextmessage AS message
    ON message.user_id = %(user)s AND message.period = %(period)s AND message.digest = sent.parent
)
SELECT role, text, extra FROM sent ORDER BY above DESC
"""


class ContextMessageQuerySet(models.QuerySet["ContextMessage"]):
    def stored(self, entries: Iterable[ContextEntry], *, user_id: int, period: date) -> frozenset[bytes]:
        """The digests of those of the entries that need not be stored again."""
        digests = [entry.digest for entry in entries]
        found = self.filter(user=user_id, period=period, digest__in=digests).values_list("digest", flat=True)
        return frozenset(map(bytes, found))

    def up_to(self, head: bytes, *, user_id: int | None, period: date) -> list[SentMessage]:
        """A context, from its first message on; nothing where not all of it is as it was stored."""
        with connection.cursor() as cursor:
            cursor.execute(_CONTEXT, {"user": user_id, "period": period, "head": head})
            messages = [SentMessage(*row) for row in cursor.fetchall()]
        return messages if head_of(chain(messages)) == head else []


class ContextMessage(models.Model):
    """A message that was sent in calls of one user and one month. ``telemetry.context`` says how it is named.

    Each user has rows of their own: they are erased by one statement, and how long it takes to store a text says
    nothing about what others have sent.
    """

    pk = models.CompositePrimaryKey("user_id", "period", "digest")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="context_messages", db_index=False
    )
    period = models.DateField()
    digest = models.BinaryField(max_length=32)
    parent = models.BinaryField(max_length=32, help_text="Digest of the message before it; empty for the first.")
    role = models.CharField(max_length=10)
    text = models.TextField()
    extra = models.TextField(blank=True, db_default="", help_text="JSON of what it has beside its text.")

    objects = ContextMessageQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.role} {bytes(self.digest).hex()}"


class GenerationContent(models.Model):
    """What was said in a call, apart from its figures so that it can be kept for a shorter time."""

    generation = models.OneToOneField(
        "telemetry.Generation", on_delete=models.CASCADE, primary_key=True, related_name="content", db_constraint=False
    )
    period = models.DateField()
    head = models.BinaryField(max_length=32, default=ROOT, help_text="Digest of the last message that was sent.")
    response_text = models.TextField(blank=True)
    reasoning_text = models.TextField(blank=True)
    tool_calls = models.JSONField(
        default=list,
        db_default=[],
        blank=True,
        help_text="Those that the model wanted: id, name, arguments, signature.",
    )

    def __str__(self) -> str:
        return f"content of {self.generation_id}"

    def sent(self) -> list[SentMessage]:
        """Exactly what the provider was sent, in order; nothing where it is no longer kept."""
        return ContextMessage.objects.up_to(bytes(self.head), user_id=self.generation.user_id, period=self.period)
