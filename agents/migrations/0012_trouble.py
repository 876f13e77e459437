"""A session remembers what outside was in trouble when it last fell asleep, and how often in a row."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("agents", "0011_append_only")]

    operations = [
        migrations.AddField("agentsession", "trouble", models.CharField(blank=True, default="", max_length=40)),
        migrations.AddField("agentsession", "trouble_count", models.PositiveIntegerField(default=0)),
        migrations.AddField("agentsession", "trouble_iteration", models.PositiveIntegerField(default=0)),
        migrations.AddField(
            "agentsession", "trouble_detail", models.CharField(blank=True, default="", max_length=500)
        ),
    ]
