import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('telemetry', '0020_saved_views'),
    ]

    operations = [
        migrations.CreateModel(
            name='BudgetAlert',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('month', models.DateField(help_text='Its first day.')),
                ('percent', models.PositiveSmallIntegerField()),
                ('monthly_usd', models.DecimalField(decimal_places=2, help_text='The budget then.', max_digits=12)),
                ('spent_usd', models.DecimalField(decimal_places=12, max_digits=24)),
                ('reached_at', models.DateTimeField()),
                ('budget', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='alerts', to='telemetry.budget')),
            ],
            options={
                'ordering': ['reached_at', 'percent'],
                'constraints': [models.UniqueConstraint(fields=('budget', 'month', 'percent', 'monthly_usd'), name='a_share_of_a_budget_is_told_once')],
            },
        ),
    ]
