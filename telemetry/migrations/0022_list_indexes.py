from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('telemetry', '0021_budget_alerts'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddIndex(
            model_name='generation',
            index=models.Index(fields=['provider', '-started_at', '-id'], name='generation_of_provider'),
        ),
        migrations.AddIndex(
            model_name='generation',
            index=models.Index(fields=['request_model', '-started_at', '-id'], name='generation_of_model'),
        ),
        migrations.AddIndex(
            model_name='generation',
            index=models.Index(condition=models.Q(('base_url', ''), _negated=True), fields=['base_url', '-started_at', '-id'], name='generation_of_endpoint'),
        ),
        migrations.AddIndex(
            model_name='generation',
            index=models.Index(condition=models.Q(('prompt_name', ''), _negated=True), fields=['prompt_name', '-started_at', '-id'], name='generation_of_prompt'),
        ),
        migrations.AddIndex(
            model_name='generation',
            index=models.Index(condition=models.Q(('status', 'succeeded'), _negated=True), fields=['status', '-started_at', '-id'], name='generation_not_succeeded'),
        ),
        migrations.AddIndex(
            model_name='generation',
            index=models.Index(condition=models.Q(('error_type', ''), _negated=True), fields=['error_type', '-started_at', '-id'], name='generation_of_error'),
        ),
    ]
