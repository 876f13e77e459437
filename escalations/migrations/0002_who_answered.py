"""How an answer was given, and which secrets came with it (their names)."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("escalations", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="agentescalation",
            name="resolved_via",
            field=models.CharField(
                blank=True,
                choices=[
                    ("founder", "Founder"),
                    ("link", "Link in a mail"),
                    ("admin", "Admin"),
                    ("operator", "Operator"),
                ],
                max_length=20,
            ),
        ),
        migrations.AddField(
            model_name="agentescalation",
            name="secret_names",
            field=models.JSONField(blank=True, default=list),
        ),
    ]
