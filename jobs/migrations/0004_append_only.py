"""The log is written cheaply: no second look at a job whose row was just changed, and no compression of payloads."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("jobs", "0003_no_index_twice")]

    operations = [
        migrations.AlterField(
            model_name="jobevent",
            name="job",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="events",
                to="jobs.job",
            ),
        ),
        migrations.RunSQL(
            "ALTER TABLE jobs_jobevent ALTER COLUMN payload SET STORAGE EXTERNAL",
            "ALTER TABLE jobs_jobevent ALTER COLUMN payload SET STORAGE EXTENDED",
        ),
    ]
