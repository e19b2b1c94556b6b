"""Whether somebody may ask for one more answer, counted as in ``inference.run_limits``, for a statement that starts it."""

from django.db import migrations

# The lock is that of ``run_limits``. What is counted after it was taken is what others have committed.
BELOW_LIMITS = """
CREATE FUNCTION inference_below_limits(asker bigint, open_runs int, open_in_all int, per_minute int)
RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(x'72756E73'::int, CASE WHEN open_in_all > 0 THEN 0 ELSE asker::int END);
  RETURN
    (open_runs <= 0 OR open_runs > (
      SELECT count(*) FROM telemetry_generation WHERE status = 'running' AND user_id = asker))
    AND (open_in_all <= 0 OR open_in_all > (
      SELECT count(*) FROM telemetry_generation WHERE status = 'running'))
    AND (per_minute <= 0 OR per_minute > (
      SELECT count(*) FROM telemetry_generation
      WHERE user_id = asker AND started_at > clock_timestamp() - interval '1 minute'));
END
$$
"""


class Migration(migrations.Migration):
    dependencies = [("inference", "0002_sharing"), ("telemetry", "0006_run_process")]
    operations = [
        migrations.RunSQL(BELOW_LIMITS, "DROP FUNCTION inference_below_limits(bigint, int, int, int)"),
    ]
