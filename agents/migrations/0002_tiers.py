"""The three tiers a new install begins with; an admin edits them afterwards."""

from django.db import migrations

DOLLAR = 1_000_000  # µ$
TIERS = [
    ("bootstrapper", "Bootstrapper", "claude-sonnet-5-5", 60 * DOLLAR),
    ("partner", "Partner", "claude-sonnet-5-5", 200 * DOLLAR),
    ("cto_scale", "CTO scale", "claude-opus-5-5", 600 * DOLLAR),
]


def add_tiers(apps, schema_editor):
    tier = apps.get_model("agents", "PlanTier")
    for slug, name, model, budget in TIERS:
        tier.objects.get_or_create(
            slug=slug, defaults={"name": name, "model": model, "monthly_budget_microdollars": budget}
        )


class Migration(migrations.Migration):
    dependencies = [("agents", "0001_initial")]
    operations = [migrations.RunPython(add_tiers, migrations.RunPython.noop)]
