import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("inference", "0005_attachments"), ("telemetry", "0011_sent_extra")]
    # A table that a foreign key points at is not taken apart.
    run_before = [("telemetry", "0014_partitions")]

    operations = [
        migrations.AlterField(
            "message",
            "generation",
            models.OneToOneField(db_constraint=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="message", to="telemetry.generation"),
        ),
    ]
