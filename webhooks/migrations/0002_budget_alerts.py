import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('telemetry', '0021_budget_alerts'),
        ('webhooks', '0001_initial'),
    ]

    operations = [
        migrations.AddField(
            model_name='delivery',
            name='alert',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='telemetry.budgetalert'),
        ),
        migrations.AddField(
            model_name='webhook',
            name='on_budgets',
            field=models.BooleanField(db_default=False, default=False, verbose_name='budget alerts'),
        ),
        migrations.AddField(
            model_name='webhook',
            name='on_moves',
            field=models.BooleanField(db_default=True, default=True, verbose_name='label moves'),
        ),
        migrations.AlterField(
            model_name='delivery',
            name='event',
            field=models.CharField(choices=[('prompt.label.moved', 'Label moved'), ('budget.threshold.reached', 'Budget alert'), ('ping', 'Test')], max_length=30),
        ),
    ]
