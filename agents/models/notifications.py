"""How a founder wants to be told, and what was sent."""

from django.conf import settings
from django.db import models

from jobs.fields import EncryptedTextField
from jobs.models import Job


class NotificationSettings(models.Model):
    """How a founder is told when not looking: which e-mails they want, and a webhook of their own.

    The address is a secret too: whoever knows that of a chat's webhook may write there.
    """

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True, related_name="notifications"
    )
    mail_question = models.BooleanField(default=True)
    mail_ready = models.BooleanField(default=True)
    mail_failed = models.BooleanField(default=True)
    mail_money = models.BooleanField(default=True)
    webhook_url = EncryptedTextField(blank=True, default="")
    webhook_secret = EncryptedTextField(blank=True, default="")
    webhook_called_at = models.DateTimeField(null=True, blank=True)
    webhook_trouble = models.CharField(max_length=300, blank=True)  # of the last call; empty when it worked

    class Meta:
        verbose_name_plural = "notification settings"

    def __str__(self) -> str:
        return f"notifications of {self.user_id}"

    def wants_mail(self, kind: str) -> bool:
        return bool(getattr(self, f"mail_{kind}"))


class Notice(models.Model):
    """News of an event that went out; there is at most one for each event and channel."""

    class Channel(models.TextChoices):
        MAIL = "mail", "E-mail"
        WEBHOOK = "webhook", "Webhook"

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="notices")
    seq = models.PositiveBigIntegerField()  # of the event
    channel = models.CharField(max_length=10, choices=Channel, default=Channel.MAIL)
    sent_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["job", "seq", "channel"], name="notice_once")]

    def __str__(self) -> str:
        return f"{self.channel} for event {self.seq}"
