"""A session remembers since when it waits for the trouble outside to be over."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("agents", "0014_renewal_day")]

    operations = [
        migrations.AddField("agentsession", "trouble_since", models.DateTimeField(blank=True, null=True)),
    ]
