"""Promises become rows with keys, made from the must_have of every brief there is; an interview keeps more."""

import uuid

import django.db.models.deletion
from django.db import migrations, models


def texts_of(content):
    wanted = content.get("must_have", []) if isinstance(content, dict) else []
    return [str(text) for text in wanted] if isinstance(wanted, list) else []


def same_words(text):
    return " ".join(text.lower().split())


def rows_of(briefs):
    """The rows for the briefs of one project in their order: {text, key, position, since and until version}."""
    keys, standing, rows = {}, {}, []
    for version, content in briefs:
        now = {}
        for text in texts_of(content):
            words = same_words(text)
            if words and words not in now:
                now[words] = {"text": text.strip(), "position": len(now)}
        for words, row in list(standing.items()):
            told = now.get(words)
            if told is None or any(told[name] != row[name] for name in told):
                row["until_version"] = version - 1
                del standing[words]
        for words, told in now.items():
            if words not in standing:
                key = keys.setdefault(words, f"P{len(keys) + 1}")
                standing[words] = {**told, "key": key, "since_version": version, "until_version": None}
                rows.append(standing[words])
    return rows


def make_promises(apps, schema_editor):
    Artifact, Promise = apps.get_model("jobs", "Artifact"), apps.get_model("jobs", "Promise")
    found = Artifact.objects.filter(artifact_type="idea_brief").order_by("project_id", "version")
    values = found.values_list("project_id", "version", "current_content")
    of_project, current = [], None
    for project_id, version, content in values.iterator():
        if project_id != current:
            Promise.objects.bulk_create(Promise(project_id=current, **row) for row in rows_of(of_project))
            of_project, current = [], project_id
        of_project.append((version, content))
    Promise.objects.bulk_create(Promise(project_id=current, **row) for row in rows_of(of_project))


class Migration(migrations.Migration):
    dependencies = [("jobs", "0004_append_only")]

    operations = [
        migrations.AddField("understandingsession", "details", models.JSONField(default=dict)),
        migrations.AddField("understandingsession", "assumptions", models.JSONField(default=list)),
        migrations.AddField("understandingsession", "state", models.CharField(default="done", max_length=20)),
        migrations.AddField("understandingsession", "language", models.CharField(blank=True, max_length=35)),
        migrations.AddField("project", "next_change", models.TextField(blank=True)),
        migrations.CreateModel(
            name="Promise",
            fields=[
                (
                    "id",
                    models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                ),
                ("key", models.CharField(max_length=12)),
                ("text", models.TextField()),
                ("how_checked", models.TextField(blank=True)),
                ("position", models.PositiveIntegerField()),
                ("since_version", models.PositiveIntegerField()),
                ("until_version", models.PositiveIntegerField(blank=True, null=True)),
                (
                    "project",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="promises", to="jobs.project"
                    ),
                ),
            ],
            options={
                "ordering": ["since_version", "position"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("project", "key", "since_version"), name="promise_key_version"
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("until_version__isnull", True)),
                        fields=("project", "key"),
                        name="promise_stands_once",
                    ),
                ],
            },
        ),
        migrations.RunPython(make_promises, migrations.RunPython.noop),
    ]
