from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("jobs", "0004_append_only")]

    operations = [
        migrations.AddField("understandingsession", "details", models.JSONField(default=dict)),
        migrations.AddField("understandingsession", "assumptions", models.JSONField(default=list)),
        migrations.AddField("understandingsession", "state", models.CharField(default="done", max_length=20)),
        migrations.AddField("understandingsession", "language", models.CharField(blank=True, max_length=35)),
    ]
