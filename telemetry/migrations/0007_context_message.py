import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("telemetry", "0006_run_process"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="ContextMessage",
            fields=[
                ("pk", models.CompositePrimaryKey("user_id", "period", "digest", blank=True, editable=False, primary_key=True, serialize=False)),
                ("period", models.DateField()),
                ("digest", models.BinaryField(max_length=32)),
                ("parent", models.BinaryField(help_text="Digest of the message before it; empty for the first.", max_length=32)),
                ("role", models.CharField(max_length=10)),
                ("text", models.TextField()),
                ("user", models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name="context_messages", to=settings.AUTH_USER_MODEL)),
            ],
        ),
        # Empty until the rows are moved, and the request afterwards.
        migrations.AddField("generationcontent", "period", models.DateField(null=True)),
        migrations.AddField("generationcontent", "head", models.BinaryField(default=b"", max_length=32)),
        migrations.AlterField("generationcontent", "request", models.JSONField(null=True)),
    ]
