"""The ledger says what each call was for; all calls so far were a build's."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("agents", "0015_trouble_since")]

    operations = [
        migrations.AddField(
            "spendentry",
            "kind",
            models.CharField(
                choices=[("build", "Build"), ("interview", "Interview"), ("review", "Review")],
                db_default="build",
                default="build",
                max_length=10,
            ),
        ),
    ]
