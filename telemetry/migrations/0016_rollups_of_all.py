from django.db import migrations, models

# What there is, is by caller. All hours are counted anew, so that there is the rest too.
MARK_ALL = "INSERT INTO telemetry_stalehour (hour) SELECT DISTINCT start FROM telemetry_rollup WHERE hours = 1"


class Migration(migrations.Migration):
    dependencies = [("telemetry", "0015_rollups")]

    operations = [
        migrations.AddField(
            "rollup",
            "by_caller",
            models.BooleanField(default=True, help_text="Else user, key and prompt are empty: one row has the calls of all."),
            preserve_default=False,
        ),
        migrations.RemoveIndex("rollup", "rollup_time"),
        migrations.AddIndex("rollup", models.Index(fields=["by_caller", "hours", "start"], name="rollup_time")),
        migrations.RunSQL(MARK_ALL, "DELETE FROM telemetry_rollup WHERE NOT by_caller"),
    ]
