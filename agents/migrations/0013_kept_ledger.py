"""The ledger outlives who caused it: a deleted founder or project leaves the money, without a name.

And each plan that began by signing up has its day, so that they can be counted.
"""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

KEPT = django.db.models.deletion.SET_NULL


class Migration(migrations.Migration):
    dependencies = [
        ("agents", "0012_trouble"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="subscription",
            name="begun_on",
            field=models.DateField(blank=True, null=True),
        ),
        migrations.AlterField(
            model_name="budgetchange",
            name="user",
            field=models.ForeignKey(
                null=True, on_delete=KEPT, related_name="budget_changes", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AlterField(
            model_name="dailybudget",
            name="user",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=KEPT,
                related_name="daily_budgets",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AlterField(
            model_name="spendentry",
            name="session",
            field=models.ForeignKey(
                db_constraint=False,
                null=True,
                on_delete=KEPT,
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
                null=True,
                on_delete=KEPT,
                related_name="spend",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
    ]
