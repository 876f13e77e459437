"""The groups of the admin: support sees and answers, operators act besides."""

from django.contrib.auth.management import create_permissions
from django.db import migrations

APPS = ("cofounder", "jobs", "escalations", "agents")
# A founder's credentials, and addresses and links that work like some.
SEEN_BY_NOBODY = ("view_projectsecret", "view_notificationsettings", "view_sharelink", "view_answerlink")
ANSWER = ("change_agentescalation",)
ACT = (
    "operate_agentsession",
    "add_budgetchange",
    "change_subscription",
    "add_subscription",
    "change_plantier",
    "add_plantier",
)


def make_groups(apps, schema_editor):
    for label in APPS:
        config = apps.get_app_config(label)
        config.models_module = True  # without it the permissions of a migration's models are not made
        create_permissions(config, apps=apps, verbosity=0)
        config.models_module = None
    group, permission = apps.get_model("auth", "Group"), apps.get_model("auth", "Permission")
    ours = permission.objects.filter(content_type__app_label__in=APPS)
    see = ours.filter(codename__startswith="view_").exclude(codename__in=SEEN_BY_NOBODY)
    support, _ = group.objects.get_or_create(name="support")
    support.permissions.add(*see, *ours.filter(codename__in=ANSWER))
    operator, _ = group.objects.get_or_create(name="operator")
    operator.permissions.add(*see, *ours.filter(codename__in=(*ANSWER, *ACT)))


class Migration(migrations.Migration):
    dependencies = [
        ("cofounder", "0001_initial"),
        ("jobs", "0002_cockpit"),
        ("escalations", "0003_answer_link"),
        ("agents", "0006_notifications"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]

    operations = [migrations.RunPython(make_groups, migrations.RunPython.noop)]
