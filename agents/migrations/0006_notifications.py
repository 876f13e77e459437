"""How founders are told: their choices, and one notice for each event and channel."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import jobs.fields


class Migration(migrations.Migration):
    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("agents", "0005_cockpit"),
    ]

    operations = [
        migrations.CreateModel(
            name="NotificationSettings",
            fields=[
                (
                    "user",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="notifications",
                        serialize=False,
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("mail_question", models.BooleanField(default=True)),
                ("mail_ready", models.BooleanField(default=True)),
                ("mail_failed", models.BooleanField(default=True)),
                ("mail_money", models.BooleanField(default=True)),
                ("webhook_url", jobs.fields.EncryptedTextField(blank=True, default="")),
                ("webhook_secret", jobs.fields.EncryptedTextField(blank=True, default="")),
                ("webhook_called_at", models.DateTimeField(blank=True, null=True)),
                ("webhook_trouble", models.CharField(blank=True, max_length=300)),
            ],
            options={"verbose_name_plural": "notification settings"},
        ),
        migrations.RemoveConstraint(model_name="notice", name="notice_once"),
        migrations.AddField(
            model_name="notice",
            name="channel",
            field=models.CharField(
                choices=[("mail", "E-mail"), ("webhook", "Webhook")], default="mail", max_length=10
            ),
        ),
        migrations.AddConstraint(
            model_name="notice",
            constraint=models.UniqueConstraint(fields=("job", "seq", "channel"), name="notice_once"),
        ),
    ]
