"""Move what calls have sent from their own rows to the rows that all calls of a month share.

In batches, each of which is moved whole or not at all: what was killed goes on where it was.
"""

from django.db import migrations, transaction

from telemetry.context import SentMessage, chain, head_of, period_of

BATCH = 100

MOVE_BACK = """
UPDATE telemetry_generationcontent AS content SET period = NULL, request = (
  WITH RECURSIVE sent AS (
    SELECT parent, role, text, 0 AS above FROM telemetry_contextmessage
    WHERE user_id = call.user_id AND period = content.period AND digest = content.head
    UNION ALL
    SELECT message.parent, message.role, message.text, sent.above + 1
    FROM sent JOIN telemetry_contextmessage AS message
      ON message.user_id = call.user_id AND message.period = content.period AND message.digest = sent.parent
  )
  SELECT jsonb_build_object(
    'system', coalesce(max(text) FILTER (WHERE role = 'system'), ''),
    'messages', coalesce(
      jsonb_agg(jsonb_build_object('role', role, 'text', text) ORDER BY above DESC) FILTER (WHERE role <> 'system'),
      '[]'
    )
  ) FROM sent
)
FROM telemetry_generation AS call WHERE call.id = content.generation_id
"""


MOVED = """
UPDATE telemetry_generationcontent AS content SET request = NULL, period = moved.period, head = moved.head
FROM unnest(%s::uuid[], %s::date[], %s::bytea[]) AS moved (id, period, head) WHERE content.generation_id = moved.id
"""


def move(apps, schema_editor):
    contents = apps.get_model("telemetry", "GenerationContent").objects
    # An erasure deletes what was said before the call is nobody's.
    contents.filter(generation__user=None).delete()
    # Calls of one conversation together, since they have sent the same.
    waiting = contents.filter(period=None).order_by("generation__conversation_id", "generation__started_at")
    keys = list(waiting.values_list("pk", flat=True))
    for first in range(0, len(keys), BATCH):
        batch = contents.filter(pk__in=keys[first : first + BATCH])
        with transaction.atomic(), schema_editor.connection.cursor() as cursor:
            _move(apps, cursor, batch.values_list("pk", "request", "generation__user", "generation__started_at"))


def _move(apps, cursor, contents):
    ContextMessage = apps.get_model("telemetry", "ContextMessage")
    messages, moved = {}, []
    for pk, request, user_id, started_at in contents:
        entries, period = chain(_sent(request)), period_of(started_at)
        messages.update(((user_id, period, entry.digest), entry) for entry in entries)
        moved.append((pk, period, head_of(entries)))
    rows = [
        ContextMessage(
            user_id=user_id, period=period, digest=digest, parent=parent, role=message.role, text=message.text
        )
        for (user_id, period, _), (digest, parent, message) in messages.items()
    ]
    ContextMessage.objects.bulk_create(rows, batch_size=1000, ignore_conflicts=True)
    cursor.execute(MOVED, list(map(list, zip(*moved))))


def _sent(request):
    first = [SentMessage("system", request["system"])] if request["system"] else []
    return [*first, *(SentMessage(message["role"], message["text"]) for message in request["messages"])]


def move_back(apps, schema_editor):
    schema_editor.execute(MOVE_BACK)


class Migration(migrations.Migration):
    dependencies = [("telemetry", "0007_context_message")]
    atomic = False
    operations = [migrations.RunPython(move, move_back)]
