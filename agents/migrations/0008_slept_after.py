"""Where the transcript ended when the agent fell asleep: so a wake is told even by another worker than the first."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("agents", "0007_no_index_twice")]

    operations = [
        migrations.AddField(
            model_name="agentsession",
            name="slept_after",
            field=models.PositiveIntegerField(blank=True, null=True),
        ),
    ]
