import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models

import telemetry.fields


class Migration(migrations.Migration):
    dependencies = [("telemetry", "0012_tool_calls")]

    operations = [
        migrations.AddField(
            "generation",
            "end_user",
            models.CharField(blank=True, db_default="", max_length=200, verbose_name="end user"),
        ),
        migrations.AddField(
            "generation",
            "session_id",
            models.CharField(blank=True, db_default="", max_length=200, verbose_name="session"),
        ),
        migrations.AddField(
            "generation",
            "tags",
            django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=100), blank=True, db_default=[], default=list, size=None),
        ),
        migrations.AlterField(
            "generation", "id", telemetry.fields.CallIdField(editable=False, primary_key=True, serialize=False)
        ),
        migrations.AlterField(
            "generationcontent",
            "generation",
            models.OneToOneField(db_constraint=False, on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name="content", serialize=False, to="telemetry.generation"),
        ),
        migrations.CreateModel(
            "RandomIds",
            [
                ("id", models.PositiveSmallIntegerField(default=1, editable=False, primary_key=True, serialize=False)),
                ("last_started_at", models.DateTimeField()),
            ],
        ),
    ]
