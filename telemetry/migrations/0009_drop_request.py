from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("telemetry", "0008_move_requests")]

    operations = [
        migrations.RemoveField("generationcontent", "request"),
        migrations.AlterField("generationcontent", "period", models.DateField()),
        migrations.AlterField(
            "generationcontent",
            "head",
            models.BinaryField(default=b"", help_text="Digest of the last message that was sent.", max_length=32),
        ),
    ]
