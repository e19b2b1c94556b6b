"""Count the calls of the last minute in the partition that has them."""

from importlib import import_module

from django.db import migrations

BEFORE = import_module("inference.migrations.0003_below_limits").BELOW_LIMITS.replace("CREATE", "CREATE OR REPLACE", 1)
BY_TIME = "WHERE user_id = asker AND started_at > clock_timestamp() - interval '1 minute'"
BY_ID = f"{BY_TIME}\n        AND id >= telemetry_first_id(clock_timestamp() - interval '1 minute')"


class Migration(migrations.Migration):
    dependencies = [("inference", "0006_call_without_constraint"), ("telemetry", "0014_partitions")]
    operations = [migrations.RunSQL(BEFORE.replace(BY_TIME, BY_ID), BEFORE)]
