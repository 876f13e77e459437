"""Each second is given to one snapshot of a project, whichever workers take them: archives are named by it."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("agents", "0008_slept_after"),
        ("jobs", "0003_no_index_twice"),
    ]

    operations = [
        migrations.CreateModel(
            name="SnapshotClock",
            fields=[
                (
                    "project",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="snapshot_clock",
                        serialize=False,
                        to="jobs.project",
                    ),
                ),
                ("second", models.DateTimeField()),
            ],
        ),
    ]
