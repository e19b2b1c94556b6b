import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

FUNCTIONS = """
CREATE FUNCTION telemetry_bin(duration interval) RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
RETURN floor(ln(greatest((extract(epoch FROM duration) * 1000)::double precision, 1)) / ln(1.1::double precision))::integer;

CREATE FUNCTION telemetry_histogram(bins integer[]) RETURNS jsonb LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (
  SELECT coalesce(jsonb_object_agg(bin, calls), '{}') FROM (
    SELECT bin, count(*) AS calls FROM unnest(bins) AS bin WHERE bin IS NOT NULL GROUP BY bin
  ) AS counted
);

CREATE FUNCTION telemetry_note_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP <> 'DELETE' THEN
    INSERT INTO telemetry_stalehour (hour) VALUES (date_trunc('hour', NEW.started_at, 'UTC'));
  END IF;
  IF TG_OP = 'DELETE' OR TG_OP = 'UPDATE' AND OLD.started_at <> NEW.started_at THEN
    INSERT INTO telemetry_stalehour (hour) VALUES (date_trunc('hour', OLD.started_at, 'UTC'));
  END IF;
  RETURN NULL;
END
$$;

-- A sign of life changes nothing that is counted.
CREATE TRIGGER note_change AFTER INSERT OR DELETE OR UPDATE OF
  started_at, first_token_at, ended_at, provider, base_url, request_model, user_id, token_id, prompt_id, prompt_version,
  status, error_type, input_tokens, cache_read_tokens, cache_write_tokens, output_tokens, reasoning_tokens, cost_usd
ON telemetry_generation FOR EACH ROW EXECUTE FUNCTION telemetry_note_change();

INSERT INTO telemetry_stalehour (hour) SELECT DISTINCT date_trunc('hour', started_at, 'UTC') FROM telemetry_generation;
"""
NO_FUNCTIONS = """
DROP TRIGGER note_change ON telemetry_generation;
DROP FUNCTION telemetry_note_change();
DROP FUNCTION telemetry_histogram(integer[]);
DROP FUNCTION telemetry_bin(interval);
"""


class Migration(migrations.Migration):
    dependencies = [("telemetry", "0014_partitions"), migrations.swappable_dependency(settings.AUTH_USER_MODEL)]

    operations = [
        migrations.CreateModel(
            name="Rollup",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("hours", models.PositiveSmallIntegerField(help_text="How many it covers: 1 or 24.")),
                ("start", models.DateTimeField()),
                ("provider", models.CharField(max_length=30)),
                ("base_url", models.CharField(blank=True, max_length=300)),
                ("request_model", models.CharField(max_length=200)),
                ("token_id", models.UUIDField(null=True)),
                ("prompt_id", models.UUIDField(null=True)),
                ("prompt_version", models.PositiveIntegerField(null=True)),
                ("status", models.CharField(max_length=15)),
                ("error_type", models.CharField(blank=True, max_length=40)),
                ("calls", models.PositiveBigIntegerField()),
                ("input_tokens", models.PositiveBigIntegerField()),
                ("cache_read_tokens", models.PositiveBigIntegerField()),
                ("cache_write_tokens", models.PositiveBigIntegerField()),
                ("output_tokens", models.PositiveBigIntegerField()),
                ("reasoning_tokens", models.PositiveBigIntegerField()),
                ("cost_usd", models.DecimalField(decimal_places=12, max_digits=24)),
                ("unpriced", models.PositiveBigIntegerField()),
                ("seconds", models.JSONField(help_text="Histogram of durations.")),
                ("first_token", models.JSONField(help_text="Histogram of times to first token.")),
                ("user", models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to=settings.AUTH_USER_MODEL)),
            ],
            options={
                "indexes": [
                    models.Index(fields=["hours", "start"], name="rollup_time"),
                    models.Index(fields=["user", "hours", "start"], name="rollup_of_user"),
                ],
            },
        ),
        migrations.CreateModel(
            name="StaleHour",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("hour", models.DateTimeField(db_index=True)),
            ],
        ),
        migrations.RunSQL(FUNCTIONS, NO_FUNCTIONS),
    ]
