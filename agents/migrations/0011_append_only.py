"""The transcript and the ledger are written cheaply: no second look at a session whose row was just changed, and
no compression of text, which took longer than all else at a durable point."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("agents", "0010_newest"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AlterField(
            model_name="agentmessage",
            name="session",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="messages",
                to="agents.agentsession",
            ),
        ),
        migrations.AlterField(
            model_name="spendentry",
            name="session",
            field=models.ForeignKey(
                db_constraint=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="spend",
                to="agents.agentsession",
            ),
        ),
        migrations.AlterField(
            model_name="spendentry",
            name="user",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="spend",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.RunSQL(
            "ALTER TABLE agents_agentmessage ALTER COLUMN content SET STORAGE EXTERNAL",
            "ALTER TABLE agents_agentmessage ALTER COLUMN content SET STORAGE EXTENDED",
        ),
    ]
