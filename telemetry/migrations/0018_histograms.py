import pgvector.django
from django.db import migrations

# Bins after the last one are counted in it.
CONVERT = """
CREATE FUNCTION telemetry_in_bin(bin integer) RETURNS vector LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
RETURN format('{%s:1}/160', least(bin, 159) + 1)::sparsevec::vector;

CREATE FUNCTION telemetry_converted(histogram jsonb) RETURNS sparsevec LANGUAGE sql IMMUTABLE
RETURN (
  SELECT ('{' || string_agg(bin || ':' || calls, ',') || '}/160')::sparsevec FROM (
    SELECT least(key::int, 159) + 1 AS bin, sum(value::real) AS calls FROM jsonb_each_text(histogram) GROUP BY 1
  ) AS bins
);

ALTER TABLE telemetry_rollup
  ALTER seconds DROP NOT NULL, ALTER seconds TYPE sparsevec(160) USING telemetry_converted(seconds),
  ALTER first_token DROP NOT NULL, ALTER first_token TYPE sparsevec(160) USING telemetry_converted(first_token);

DROP FUNCTION telemetry_converted(jsonb);
DROP FUNCTION telemetry_histogram(integer[]);
"""

# The hours whose calls are still stored are counted anew.
CONVERT_BACK = """
CREATE FUNCTION telemetry_histogram(bins integer[]) RETURNS jsonb LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (
  SELECT coalesce(jsonb_object_agg(bin, calls), '{}') FROM (
    SELECT bin, count(*) AS calls FROM unnest(bins) AS bin WHERE bin IS NOT NULL GROUP BY bin
  ) AS counted
);

ALTER TABLE telemetry_rollup
  ALTER seconds TYPE jsonb USING '{}', ALTER seconds SET NOT NULL,
  ALTER first_token TYPE jsonb USING '{}', ALTER first_token SET NOT NULL;

INSERT INTO telemetry_stalehour (hour) SELECT DISTINCT date_trunc('hour', started_at, 'UTC') FROM telemetry_generation;

DROP FUNCTION telemetry_in_bin(integer);
"""


def histogram(help_text: str) -> pgvector.django.SparseVectorField:
    return pgvector.django.SparseVectorField(dimensions=160, null=True, help_text=help_text)


class Migration(migrations.Migration):
    dependencies = [("telemetry", "0017_score")]

    operations = [
        migrations.RunSQL(
            CONVERT,
            CONVERT_BACK,
            state_operations=[
                migrations.AlterField("rollup", "seconds", histogram("Histogram of durations.")),
                migrations.AlterField("rollup", "first_token", histogram("Histogram of times to first token.")),
            ],
        ),
    ]
