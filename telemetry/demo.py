"""Calls that were never made, to look at pages and to measure them. All bear a tag, by which they are removed again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta

from django.db import connection, transaction

from telemetry import partitions
from telemetry.models import Generation, StaleHour
from telemetry.rollups.coverage import hour_of

TAG = "demo"
BATCH = 100_000
_DAY = timedelta(days=1)

# Model, provider, share of the calls, typical seconds, and USD per million tokens in and out; None is no known price.
_MODELS = """
(VALUES ('claude-sonnet-4-5', 'anthropic', 0.23, 3.2, 3.0, 15.0), ('gpt-5', 'openai', 0.10, 4.6, 1.25, 10.0),
  ('gpt-5-mini', 'openai', 0.28, 1.9, 0.25, 2.0), ('gemini-2.5-flash', 'gemini', 0.20, 1.3, 0.3, 2.5),
  ('mistral-large-2411', 'mistral', 0.05, 2.8, 2.0, 6.0), ('claude-haiku-4-5', 'anthropic', 0.03, 1.2, 1.0, 5.0),
  ('qwen3-32b', 'huggingface', 0.11, 2.4, NULL, NULL)
) AS model (name, provider, share, seconds, input_price, output_price)
"""
# Fewer calls at night; log-normal durations; one in a hundred fails.
_INSERT = f"""
WITH bound AS (
  SELECT *, sum(share) OVER (ORDER BY name) - share AS low, sum(share) OVER (ORDER BY name) AS high FROM {_MODELS}
), chance AS MATERIALIZED (
  SELECT %(start)s::timestamptz + (%(end)s::timestamptz - %(start)s::timestamptz)
      * CASE WHEN random() < 0.3 THEN random()
        ELSE (floor(random() * %(days)s) + least(greatest(random_normal(0.55, 0.13), 0), 0.999)) / %(days)s
      END AS started_at,
    random() AS pick, exp(random_normal(0, 0.6)) AS pace, random() AS fate, random() AS who,
    (200 + 4000 * random() * random())::int AS input, (20 + 1500 * random() * random())::int AS output,
    md5(random()::text) AS bits
  FROM generate_series(1, %(count)s)
)
INSERT INTO telemetry_generation (
  id, user_id, provider, base_url, request_model, response_model, response_id, provider_request_id, parameters,
  prompt_name, prompt_labels, token_label, status, finish_reason, error_type, error_message, error_status, attempts,
  started_at, first_token_at, ended_at, input_tokens, cache_read_tokens, cache_write_tokens, output_tokens,
  reasoning_tokens, usage_source, usage_note, cost_usd, tags
)
SELECT
  (lpad(to_hex(floor(extract(epoch FROM started_at) * 1000)::bigint), 12, '0') || '7' || substr(bits, 1, 3) || '8'
    || substr(bits, 4, 15))::uuid,
  (%(users)s::bigint[])[1 + floor(who * who * cardinality(%(users)s::bigint[]))::int], provider, '', name, name, '',
  '', '{{}}', '', '{{}}', '', CASE WHEN fate < 0.01 THEN 'failed' WHEN fate < 0.02 THEN 'stopped' ELSE 'succeeded' END,
  CASE WHEN fate < 0.02 THEN '' ELSE 'stop' END,
  CASE WHEN fate < 0.004 THEN 'rate_limited' WHEN fate < 0.01 THEN 'provider_error' ELSE '' END, '',
  CASE WHEN fate < 0.004 THEN 429 WHEN fate < 0.01 THEN 503 END, '[]', started_at,
  CASE WHEN fate >= 0.02 THEN started_at + make_interval(secs => seconds * pace * 0.25) END,
  started_at + make_interval(secs => seconds * pace), CASE WHEN fate >= 0.01 THEN input END, 0, 0,
  CASE WHEN fate >= 0.01 THEN output END, 0, CASE WHEN fate >= 0.01 THEN 'reported' ELSE '' END, '',
  CASE WHEN fate >= 0.01 THEN (input * input_price + output * output_price)::numeric / 1000000 END, ARRAY[%(tag)s]
FROM chance JOIN bound ON pick >= low AND pick < high
"""  # noqa: S608 (our own words)


def seed(*, calls: int, days: int, now: datetime, users: list[int]) -> Iterator[int]:
    """Calls of the last ``days``, in batches, of each of which it tells how many there are then."""
    start = now - days * _DAY
    partitions.make(_months(start.astimezone(UTC).date(), now.astimezone(UTC).date()))
    stored = 0
    while stored < calls:
        count = min(BATCH, calls - stored)
        _seed_batch({"start": start, "end": now, "days": days, "count": count, "users": users, "tag": TAG})
        stored += count
        yield stored
    hours = int((hour_of(now) - hour_of(start)) / timedelta(hours=1)) + 1
    StaleHour.objects.bulk_create(StaleHour(hour=hour_of(start) + timedelta(hours=hour)) for hour in range(hours))


def _months(first: date, last: date) -> list[date]:
    months = [first.replace(day=1)]
    while months[-1] < last.replace(day=1):
        months.append(partitions.month_after(months[-1]))
    return months


@transaction.atomic
def _seed_batch(values: Mapping[str, int | str | datetime | list[int]]) -> None:
    with connection.cursor() as cursor:
        # All hours are noted at once, at the end.
        cursor.execute("ALTER TABLE telemetry_generation DISABLE TRIGGER note_change")
        cursor.execute(_INSERT, values)
        cursor.execute("ALTER TABLE telemetry_generation ENABLE TRIGGER note_change")


def remove() -> int:
    """Returns how many there were."""
    return Generation.objects.filter(tags__contains=[TAG])._raw_delete("default")
