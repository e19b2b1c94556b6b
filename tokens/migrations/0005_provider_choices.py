from django.db import migrations, models

import accounts.providers


class Migration(migrations.Migration):
    """The choices are read from the list of providers: a new one needs no migration."""

    dependencies = [
        ('tokens', '0004_sharing'),
    ]

    operations = [
        migrations.AlterField(
            model_name='providertoken',
            name='provider',
            field=models.CharField(choices=accounts.providers.keyed_choices, max_length=20),
        ),
    ]
