"""Interviews under way: what was written first, the brief as it fills in, and the model's call for it."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("agents", "0016_spend_kind"),
        ("jobs", "0005_promises"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="InterviewProgress",
            fields=[
                (
                    "interview",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="progress",
                        serialize=False,
                        to="jobs.understandingsession",
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("thinking", "Thinking"),
                            ("asking", "Asking"),
                            ("trouble", "Interrupted"),
                            ("done", "Done"),
                            ("approved", "Approved"),
                        ],
                        default="thinking",
                        max_length=10,
                    ),
                ),
                (
                    "trouble",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("no_money", "No money is left today"),
                            ("model_away", "The model does not answer"),
                            ("switched_off", "Building is switched off"),
                            ("operator", "The operator has to mend something"),
                        ],
                        max_length=20,
                    ),
                ),
                ("version", models.PositiveIntegerField(default=1)),
                ("text", models.TextField()),
                ("draft", models.JSONField(default=dict)),
                ("changed", models.JSONField(default=list)),
                ("uncertainty", models.JSONField(default=dict)),
                ("sensitive", models.JSONField(default=list)),
                ("typed", models.JSONField(default=dict)),
                ("entry_id", models.UUIDField(null=True)),
                ("cost_microdollars", models.PositiveBigIntegerField(default=0)),
                ("created_at", models.DateTimeField()),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="interviews",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={"ordering": ["-created_at"]},
        ),
    ]
